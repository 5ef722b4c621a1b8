"""A trained Flamingo as a folder that others can load, and what they load it as."""

from model.export.command import main

__all__ = ["main"]
