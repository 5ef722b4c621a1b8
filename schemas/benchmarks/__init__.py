"""Benchmarks as their publishers ship them, read into one record for copies and for evaluation."""
