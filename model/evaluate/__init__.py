"""The few-shot evaluation of a trained Flamingo (the paper's A.2, B.1.4, B.1.5)."""

from model.evaluate.command import main

__all__ = ["main"]
