"""A finished or running training run as one page: curves, samples, figures, recipe."""
