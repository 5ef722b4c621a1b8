"""Web pages to corpora: the only floor with Beam."""
