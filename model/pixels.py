"""Images and videos as uint8 squares: aspect kept, padded with the mean colour (B.1.2)."""

import io
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from model.recipe import PixelsRecipe
from schemas.rejection import BadInput, Reason

if TYPE_CHECKING:
    from PIL.Image import Image

DECODED_LIMIT_PX = 89_478_485
"""Pixels of the largest image that is decoded: Pillow's own bound against decompression bombs."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What images are put on.

    Attributes:
        side_px: of the square.
        mean_rgb: its colour, 0 to 1.
        crops: whether the middle of an image fills it, and what is beyond is cut off.
    """

    side_px: int
    mean_rgb: tuple[float, ...]
    crops: bool = False

    @property
    def colour(self) -> tuple[int, int, int]:
        """The mean colour as bytes."""
        red, green, blue = (round(255 * channel) for channel in self.mean_rgb)
        return red, green, blue


@dataclass(frozen=True, slots=True)
class Change:
    """What augmentation does to one image, or to all frames of one video."""

    flip: bool
    brightness: float
    contrast: float
    saturation: float


AS_IT_IS = Change(flip=False, brightness=1.0, contrast=1.0, saturation=1.0)
"""No change at all."""


def draw_change(recipe: PixelsRecipe, rng: random.Random) -> Change:
    """A change for one image; the coin is tossed for each image by itself."""
    flip = rng.random() < recipe.p_flip
    factors = [1 + recipe.colour * rng.uniform(-1, 1) for _ in range(3)]
    return Change(flip, *factors)


def decode_image(content: bytes, canvas: Canvas, change: Change) -> npt.NDArray[np.uint8]:
    """An image as one frame [1, side, side, 3].

    Raises:
        BadInput: `undecodable` or `too_large`.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(content))
        if image.width * image.height > DECODED_LIMIT_PX:
            raise BadInput(Reason.TOO_LARGE, image.width * image.height, DECODED_LIMIT_PX)
        image.draft("RGB", (canvas.side_px, canvas.side_px))  # JPEGs decode at 1/2, 1/4, 1/8
        picture = _opaque(image, canvas)
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise BadInput(Reason.UNDECODABLE, f"{type(error).__name__}: {error}") from error
    return _on_canvas(picture, canvas, change)[None]


def frame_of(image: "Image", canvas: Canvas) -> npt.NDArray[np.uint8]:
    """A picture that is decoded already as one frame [1, side, side, 3], unchanged."""
    return _on_canvas(_opaque(image, canvas), canvas, AS_IT_IS)[None].copy()  # torch wants its own


def decode_video(
    content: bytes,
    canvas: Canvas,
    change: Change,
    recipe: PixelsRecipe,
    rng: random.Random,
    span_s: tuple[float, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Frames [T, side, side, 3] of a video from a random moment on; T is 1 to `recipe.frames`.

    A video shorter than `frames / fps` seconds gives as many frames as it has seconds for.

    Args:
        content: of the file.
        canvas: what frames are put on.
        change: made to all of them.
        recipe: how many frames, and how many a second.
        rng: that draws the moment.
        span_s: the part of the video to take frames from; None for all of it.

    Raises:
        BadInput: `undecodable`.
    """
    import av

    try:
        with av.open(io.BytesIO(content)) as container:
            times = _times(recipe, rng, span_s or (0.0, (container.duration or 0) / av.time_base))
            if span_s:
                times = [time for time in times if time < span_s[1]]
            frames = [
                _on_canvas(picture, canvas, change) for picture in _frames_at(container, times)
            ]
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        raise BadInput(Reason.UNDECODABLE, f"{type(error).__name__}: {error}") from error
    if not frames:
        raise BadInput(Reason.UNDECODABLE, "no frame")
    return np.stack(frames)


def _times(recipe: PixelsRecipe, rng: random.Random, span_s: tuple[float, float]) -> list[float]:
    """The moments of frames, from a random one of a long part of a video on."""
    begin, end = span_s
    spare = end - begin - recipe.frames / recipe.fps
    start = begin + (rng.uniform(0, spare) if spare > 0 else 0.0)
    return [start + i / recipe.fps for i in range(recipe.frames)]


def _frames_at(container: "object", times: list[float]) -> "list[Image]":
    """For each time the first frame at or after it, as long as there are any."""
    pictures: list[Image] = []
    for frame in container.decode(video=0):  # type: ignore[attr-defined]
        if frame.time is not None and frame.time + 1e-6 >= times[len(pictures)]:
            pictures.append(frame.to_image())
        if len(pictures) == len(times):
            break
    return pictures


def _opaque(image: "Image", canvas: Canvas) -> "Image":
    """The image in RGB; what shows through it is the mean colour."""
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, (*canvas.colour, 255))
    return Image.alpha_composite(ground, layer).convert("RGB")


def _on_canvas(image: "Image", canvas: Canvas, change: Change) -> npt.NDArray[np.uint8]:
    """The image in the middle of the square, as large as it fits or crops, [side, side, 3]."""
    from PIL import Image

    scale = canvas.side_px / (min(image.size) if canvas.crops else max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    image = _changed(image, change)
    square = Image.new("RGB", (canvas.side_px, canvas.side_px), canvas.colour)
    square.paste(image, ((canvas.side_px - width) // 2, (canvas.side_px - height) // 2))
    return np.asarray(square)


def _changed(image: "Image", change: Change) -> "Image":
    from PIL import Image, ImageEnhance

    if change.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance, factor in (
        (ImageEnhance.Brightness, change.brightness),
        (ImageEnhance.Contrast, change.contrast),
        (ImageEnhance.Color, change.saturation),
    ):
        if factor != 1:
            image = enhance(image).enhance(factor)
    return image
