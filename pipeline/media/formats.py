"""What the first bytes say an image is, for naming the formats that are not decoded.

No decoder is asked: each that is opened on hostile bytes is one more that can be attacked.
"""

_MAGICS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\0\x0cJXL ", "JXL"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cjP  ", "JPEG2000"),
)
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"mif1": "HEIF"}
MARKUP_BYTES = 1000
"""So many first bytes tell the format; SVG's name alone stands anywhere in them."""


def name_format(content: bytes) -> str | None:
    """The format's name as Pillow has it (`SVG` beside), None where the bytes are no image."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12])
    for magic, name in _MAGICS:
        if content.startswith(magic):
            return name
    return "SVG" if b"<svg" in content[:MARKUP_BYTES].lower() else None
