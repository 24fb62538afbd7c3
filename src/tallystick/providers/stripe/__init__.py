"""Stripe, spoken through its own SDK. `StripeProvider` is in client.py; importing this package alone imports no SDK."""
