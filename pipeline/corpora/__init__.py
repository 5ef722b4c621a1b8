"""Whole graphs: what becomes of documents in each corpus."""
