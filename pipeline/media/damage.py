"""What Pillow does not tell of an image: its size before room is made for it, its end missing."""

from schemas.rejection import BadInput, Reason

_WEBP_HEADER_BYTES = 30


def webp_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP by its first 30 bytes; None where it is none (RFC 9649)."""
    if len(content) < _WEBP_HEADER_BYTES or content[:4] + content[8:12] != b"RIFFWEBP":
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        return _number(content[24:27]) + 1, _number(content[27:30]) + 1
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = _number(content[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return _number(content[26:28]) & 0x3FFF, _number(content[28:30]) & 0x3FFF
    return None


def refuse_cut_jpeg(content: bytes) -> None:
    """Raises BadInput where a JPEG ends before its last block, end marker or not.

    libjpeg fills up the rest with one colour and Pillow does not hear of it; FFmpeg's decoder says
    so (measured: halves with an end marker put on, 8 of 8; whole photos refused, 0 of 827).
    """
    import av

    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    decoder.options = {"err_detect": "explode"}
    try:
        decoder.decode(av.Packet(content))
        decoder.decode(None)
    except av.InvalidDataError:
        raise BadInput(Reason.UNDECODABLE, "cut short") from None
    except av.FFmpegError:
        return  # a kind of JPEG that FFmpeg does not know, which is no fault of the image


def _number(little_endian: bytes) -> int:
    return int.from_bytes(little_endian, "little")
