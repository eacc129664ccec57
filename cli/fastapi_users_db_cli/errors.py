"""What ends the command line, apart from the rest so that importing it costs nothing."""

__all__ = ["FAILED", "LEFT", "OK", "UNUSABLE", "UnusableError"]

OK, LEFT, UNUSABLE, FAILED = 0, 1, 2, 3


class UnusableError(Exception):
    """What was asked for cannot be done: nothing has been changed."""
