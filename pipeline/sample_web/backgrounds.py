"""The settings of scenes: sky, meadow, brick … drawn from their names."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from pipeline.sample_web.scenes import COLOURS, Rgb, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image, ImageDraw

Size = tuple[int, int]


def shade(colour: Rgb, factor: float) -> Rgb:
    """The colour darker (factor below 1) or mixed with white (factor from 1 to 3)."""
    if factor <= 1:
        r, g, b = (int(part * factor) for part in colour)
        return r, g, b
    r, g, b = (int(part + (255 - part) * (factor - 1) / 2) for part in colour)
    return r, g, b


def draw_background(scene: Scene, size: Size, rng: Random) -> Image.Image:
    """An RGB picture of the scene's setting without its things."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", size)
    if scene.tint:
        _paint_tinted(canvas, scene.setting, COLOURS[scene.tint])
    else:
        _PAINTERS[scene.setting](ImageDraw.Draw(canvas), size, rng)
    return canvas


def draw_grain(image: Image.Image, rng: Random) -> Image.Image:
    """The picture with light falling from one side and the fine grain of a camera."""
    from PIL import Image, ImageChops

    light = Image.linear_gradient("L").rotate(90 * rng.randrange(4)).resize(image.size)
    light = light.point([215 + value * 40 // 255 for value in range(256)])
    image = ImageChops.multiply(image, Image.merge("RGB", (light, light, light)))
    fine = Image.frombytes("L", image.size, rng.randbytes(image.width * image.height))
    soft = Image.frombytes("L", (24, 24), rng.randbytes(576)).resize(image.size)
    grain = ImageChops.add(fine.point(_FINE), soft.point(_SOFT))
    return ImageChops.add(image, Image.merge("RGB", (grain, grain, grain)), offset=-_GRAIN_MEAN)


_FINE = [value * 9 // 255 for value in range(256)]
_SOFT = [value * 15 // 255 for value in range(256)]
_GRAIN_MEAN = 12


def _bands(
    draw: ImageDraw.ImageDraw, size: Size, top: Rgb, bottom: Rgb, span: tuple[float, float]
) -> None:
    """A vertical gradient over a share of the picture's height, in 24 bands."""
    width, height = size
    y0, y1 = span[0] * height, span[1] * height
    for i in range(24):
        mix = i / 23
        r, g, b = (int(a + (z - a) * mix) for a, z in zip(top, bottom, strict=True))
        band = (0, y0 + (y1 - y0) * i / 24, width, y0 + (y1 - y0) * (i + 1) / 24 + 1)
        draw.rectangle(band, fill=(r, g, b))


def _clouds(draw: ImageDraw.ImageDraw, size: Size, rng: Random, below: float) -> None:
    width, height = size
    for _ in range(rng.randint(2, 4)):
        x, y = rng.uniform(0, width), rng.uniform(0.04, below) * height
        for _ in range(4):
            reach = rng.uniform(0.04, 0.1) * width
            x += reach
            draw.ellipse((x - reach, y - reach / 2, x + reach, y + reach / 2), fill=(240, 246, 252))


def _strokes(
    draw: ImageDraw.ImageDraw,
    size: Size,
    rng: Random,
    span: tuple[float, float],
    colours: tuple[Rgb, ...],
) -> None:
    """Short slanting strokes: blades of grass, ripples in sand."""
    width, height = size
    for _ in range(140):
        x, y = rng.uniform(0, width), rng.uniform(*span) * height
        reach = height * 0.02
        end = (x + rng.uniform(-reach, reach), y - reach * rng.uniform(0.5, 1.6))
        draw.line((x, y, *end), fill=rng.choice(colours), width=max(1, width // 300))


def _sky(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (96, 160, 232), (186, 220, 248), (0, 1))
    _clouds(draw, size, rng, 0.95)


def _meadow(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (150, 200, 244), (206, 230, 250), (0, 0.4))
    _bands(draw, size, (128, 186, 84), (74, 138, 52), (0.4, 1))
    _strokes(draw, size, rng, (0.45, 1), ((60, 120, 44), (150, 204, 96)))


def _beach(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (126, 190, 240), (180, 222, 248), (0, 0.25))
    _bands(draw, size, (40, 120, 190), (70, 160, 210), (0.25, 0.42))
    _bands(draw, size, (244, 226, 168), (226, 198, 130), (0.42, 1))
    _strokes(draw, size, rng, (0.5, 1), ((208, 178, 112), (250, 236, 190)))


def _sea(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (190, 220, 240), (222, 238, 246), (0, 0.25))
    _bands(draw, size, (34, 106, 176), (14, 60, 122), (0.25, 1))
    width, height = size
    for row in range(9):
        y = height * (0.3 + 0.08 * row)
        for _ in range(6):
            x, reach = rng.uniform(0, width), width * rng.uniform(0.03, 0.07)
            box = (x, y, x + reach, y + height * 0.03)
            draw.arc(box, 180, 360, fill=(150, 196, 226), width=max(1, width // 250))


def _table(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    width, height = size
    for plank in range(5):
        tone = rng.uniform(0.85, 1.1)
        colour = shade((186, 128, 74), min(tone, 1.0) if tone < 1 else tone)
        draw.rectangle((0, height * plank / 5, width, height * (plank + 1) / 5), fill=colour)
        draw.line((0, height * plank / 5, width, height * plank / 5), fill=(110, 70, 36), width=3)
        for _ in range(6):
            y = height * (plank + rng.uniform(0.1, 0.9)) / 5
            x = rng.uniform(0, width * 0.7)
            draw.line((x, y, x + width * 0.3, y + rng.uniform(-4, 4)), fill=(152, 100, 54), width=2)


def _night(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (8, 10, 34), (34, 36, 82), (0, 1))
    width, height = size
    for _ in range(70):
        x, y, reach = (
            rng.uniform(0, width),
            rng.uniform(0, height),
            width * rng.uniform(0.002, 0.006),
        )
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(236, 236, 214))


def _brick(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    width, height = size
    draw.rectangle((0, 0, width, height), fill=(206, 192, 180))
    row_height = max(height, width) / 11
    for row in range(int(height / row_height) + 1):
        start = -row_height * (row % 2)
        for column in range(int(width / row_height / 2) + 2):
            x, y = start + column * 2 * row_height, row * row_height
            colour = shade((176, 82, 62), rng.uniform(0.8, 1.0))
            gap = row_height * 0.1
            draw.rectangle((x + gap, y + gap, x + 2 * row_height, y + row_height), fill=colour)


def _snow(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (168, 182, 202), (206, 216, 228), (0, 0.35))
    _bands(draw, size, (244, 247, 252), (220, 230, 242), (0.35, 1))
    width, height = size
    for _ in range(60):
        x, y, reach = (
            rng.uniform(0, width),
            rng.uniform(0, height),
            width * rng.uniform(0.003, 0.008),
        )
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(255, 255, 255))


def _stone(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    width, height = size
    draw.rectangle((0, 0, width, height), fill=(96, 96, 100))
    side = max(width, height) / 7
    for row in range(int(height / side) + 1):
        for column in range(int(width / side) + 2):
            x, y = column * side - side / 2 * (row % 2), row * side
            colour = shade((166, 168, 172), rng.uniform(0.82, 1.0))
            box = (x + 4, y + 4, x + side - 4, y + side - 4)
            draw.rounded_rectangle(box, radius=side / 5, fill=colour)


def _desert(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    _bands(draw, size, (252, 214, 160), (255, 236, 200), (0, 0.5))
    width, height = size
    for i, colour in enumerate(((222, 160, 92), (206, 138, 72), (190, 120, 60))):
        y = height * (0.38 + 0.2 * i)
        bump = height * rng.uniform(0.06, 0.12)
        dune = [(0, y), (width * 0.3, y - bump), (width * 0.7, y + bump / 2), (width, y - bump / 3)]
        draw.polygon([*dune, (width, height), (0, height)], fill=colour)


def _paper(draw: ImageDraw.ImageDraw, size: Size, rng: Random) -> None:
    width, height = size
    draw.rectangle((0, 0, width, height), fill=(250, 248, 240))
    step = max(width, height) / rng.randint(12, 15)
    for i in range(1, int(height / step) + 1):
        draw.line((0, i * step, width, i * step), fill=(158, 186, 222), width=max(2, width // 240))
    draw.line(
        (width * 0.08, 0, width * 0.08, height), fill=(224, 120, 120), width=max(2, width // 240)
    )


def _paint_tinted(canvas: Image.Image, setting: str, colour: Rgb) -> None:
    """A wall is one pale colour with a skirting board; a cloth has woven lines."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(canvas)
    width, height = canvas.size
    draw.rectangle((0, 0, width, height), fill=shade(colour, 1.9))
    if setting == "wall":
        draw.rectangle((0, height * 0.93, width, height), fill=shade(colour, 1.2))
        return
    step = max(width, height) / 24
    for i in range(25):
        if i % 2 == 0:
            draw.rectangle((i * step, 0, (i + 1) * step, height), fill=shade(colour, 1.5))
    for i in range(0, 25, 4):
        draw.rectangle((0, i * step, width, (i + 0.5) * step), fill=shade(colour, 1.2))


_PAINTERS: dict[str, Callable[[ImageDraw.ImageDraw, Size, Random], None]] = {
    "sky": _sky,
    "meadow": _meadow,
    "beach": _beach,
    "sea": _sea,
    "table": _table,
    "night": _night,
    "brick": _brick,
    "snow": _snow,
    "stone": _stone,
    "desert": _desert,
    "paper": _paper,
}
