"""Rules and maths of billing: pure functions on frozen values. No I/O, no clock, no settings."""
