"""How fast Tallystick is, as ratios to the least work that any program would do for the same answer."""
