"""Bytes of the web to records: WARC, encodings, HTML, blocks."""
