"""A made-up web with its truth: the embedded input of demo, tests and laboratory."""
