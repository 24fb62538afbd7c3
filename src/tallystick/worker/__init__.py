"""Works off what flows have written down to be done after their commit."""

from tallystick.worker import loop, schedule

__all__ = ["loop", "schedule"]
