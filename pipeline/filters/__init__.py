"""Verdicts: pure functions that answer why an item is dropped."""
