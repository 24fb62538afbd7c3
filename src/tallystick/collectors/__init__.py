"""Usage that we read ourselves: each collector turns readings into events."""
