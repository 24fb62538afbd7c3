"""The HTTP door: translates requests into calls of the engine, and what it answers into JSON; knows no rules."""
