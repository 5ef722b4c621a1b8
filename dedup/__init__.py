"""Copies: within the corpus, and of what a model will be judged on."""
