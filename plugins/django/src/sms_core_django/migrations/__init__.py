"""The table of handled events."""
