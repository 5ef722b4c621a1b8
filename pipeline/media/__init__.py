"""Bytes to pixels and back: fetching, images, videos."""
