"""Small pictures that stand in the page itself, as data URIs."""

import base64
import io
from dataclasses import dataclass

from pipeline.media.image import ImageLimits, decode_image, resize_image
from pipeline.media.video import sample_frames
from schemas.rejection import BadInput

SIDE_PX = 160
"""Longest side of a thumbnail."""

QUALITY = 72
"""Of its JPEG: about 5 KB each."""

_ANY_SIZE = ImageLimits(min_side_px=1, max_side_px=65_535)


@dataclass(slots=True)
class Thumbnails:
    """Makes thumbnails until the page is full; after that, and for damage, there are none.

    Attributes:
        budget_bytes: what all data URIs may take together.
        side_px: longest side of a thumbnail.
        video_bytes: the largest video that goes in whole, to be played.
    """

    budget_bytes: int
    side_px: int = SIDE_PX
    video_bytes: int = 0

    def of_image(self, content: bytes) -> str:
        """A JPEG data URI of an image; "" where it cannot be decoded or no room is left."""
        return self._within_budget(content, video=False)

    def of_video(self, content: bytes) -> str:
        """A JPEG data URI of a video's first frame; "" as above."""
        return self._within_budget(content, video=True)

    def playable(self, content: bytes) -> str:
        """An MP4 as a data URI; "" where it is larger than `video_bytes` or no room is left."""
        if len(content) > self.video_bytes or self.budget_bytes <= 0:
            return ""
        uri = f"data:video/mp4;base64,{base64.b64encode(content).decode('ascii')}"
        self.budget_bytes -= len(uri)
        return uri

    def _within_budget(self, content: bytes, *, video: bool) -> str:
        if self.budget_bytes <= 0:
            return ""
        try:
            uri = image_uri(_first_frame(content) if video else content, self.side_px)
        except BadInput:
            return ""
        self.budget_bytes -= len(uri)
        return uri


def image_uri(content: bytes, side_px: int = SIDE_PX) -> str:
    """An image as the data URI of a small JPEG.

    Raises:
        BadInput: as `decode_image`.
    """
    small = resize_image(decode_image(content, _ANY_SIZE), side_px)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _first_frame(content: bytes) -> bytes:
    """The first frame of a video, as PNG."""
    frames = sample_frames(content, 1.0, 1)
    if not frames:
        return b""
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", compress_level=1)
    return stream.getvalue()
