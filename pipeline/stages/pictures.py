"""Pictures of media that a build has made: what scorers look at."""

import io
from typing import Any

from pipeline.media.video import sample_frames
from pipeline.store.packs import PackReader
from schemas.records import Image, Video

FRAMES = 8
"""Of a video, at one a second."""


def pictures_of(media: Image | Video, reader: PackReader) -> list[Any]:
    """An image as it is kept, or a video's frames, as PIL images in mode RGB."""
    return pictures_in(media, reader.read(media.ref))


def pictures_in(media: Image | Video, content: bytes) -> list[Any]:
    """The same of bytes that are read already."""
    import PIL.Image

    if isinstance(media, Video):
        return sample_frames(content, fps=1.0, max_frames=FRAMES)
    return [PIL.Image.open(io.BytesIO(content)).convert("RGB")]
