"""Media packs and tables, on disk or in a bucket."""
