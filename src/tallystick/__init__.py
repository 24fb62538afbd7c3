"""The billing engine you import: usage metering, quotas and invoices for Python programs, on Stripe."""
