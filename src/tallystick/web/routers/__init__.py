"""One file per noun: its routes, and nothing but translation."""
