"""A training run, finished or not, as one page: curves, samples, figures, recipe."""

from model.report.command import main

__all__ = ["main"]
