import pytest

from pipeline.media.formats import name_format


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"GIF89a\x01", "GIF"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP"),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"\0\0\0\x20ftypavif", "AVIF"),
        (b"\0\0\0\x20ftypheic", "HEIF"),
        (b"\0\0\0\x20ftypisom", None),
        (b"II*\0", "TIFF"),
        (b"<?xml version='1.0'?>\n<!-- drawn -->\n<SVG viewBox='0 0 9 9'>", "SVG"),
        (b"<!doctype html><p>404", None),
        (b"", None),
    ],
)
def test_a_format_by_its_first_bytes(content, name):
    assert name_format(content) == name
