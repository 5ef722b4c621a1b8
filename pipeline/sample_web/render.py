"""Pictures of scenes: background, light and textured things, drawn at double size."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, sin
from random import Random
from typing import TYPE_CHECKING

from pipeline.sample_web.backgrounds import draw_background, draw_grain, shade
from pipeline.sample_web.scenes import COLOURS, Region, Rgb, Scene, Thing, region_of
from pipeline.sample_web.shapes import SHAPES, Polygon

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from PIL import Image

Shift = tuple[float, float]

SUPERSAMPLE = 2
"""Scenes are drawn this many times too large and reduced: smooth edges at four times the area."""

_FILL = {"small": 0.62, "medium": 0.8, "large": 1.0}
_PAINTS: dict[str, Rgb] = {
    "wood": (112, 72, 40),
    "leaf": (60, 140, 60),
    "yolk": (250, 190, 40),
    "flame": (255, 170, 40),
    "cream": (240, 226, 196),
    "clay": (186, 96, 58),
    "white": (250, 250, 250),
    "black": (24, 24, 28),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one thing is drawn: centre and side in px of the large canvas, tilt in radians."""

    x: float
    y: float
    side: float
    tilt: float


def render_scene(scene: Scene, width: int, height: int) -> Image.Image:
    """An RGB picture of the scene, width x height px; the same arguments give the same pixels."""
    rng = Random(scene.seed)
    canvas = draw_background(scene, (width * SUPERSAMPLE, height * SUPERSAMPLE), rng)
    _draw_all(canvas, scene, ())
    return draw_grain(canvas.reduce(SUPERSAMPLE), rng)


def render_frames(
    scene: Scene, width: int, height: int, frames: Iterable[tuple[Shift, ...]]
) -> Iterator[Image.Image]:
    """RGB pictures of the scene with its things moved, one for each of `frames`.

    Args:
        scene: what to show.
        width: in px.
        height: in px.
        frames: for each frame, how far each thing is moved, in shares of the picture's sides.
    """
    size = (width * SUPERSAMPLE, height * SUPERSAMPLE)
    background = draw_background(scene, size, Random(scene.seed))
    for shifts in frames:
        canvas = background.copy()
        _draw_all(canvas, scene, shifts)
        yield canvas.reduce(SUPERSAMPLE)


def _draw_all(canvas: Image.Image, scene: Scene, shifts: tuple[Shift, ...]) -> None:
    rng = Random(~scene.seed)
    for index, thing in enumerate(scene.things):
        move = shifts[index] if index < len(shifts) else (0.0, 0.0)
        _draw_things(canvas, thing, region_of(scene, thing), move, rng)


def _draw_things(
    canvas: Image.Image, thing: Thing, region: Region, move: Shift, rng: Random
) -> None:
    colour = _jitter(COLOURS[thing.colour], rng)
    for spot in _spots(thing, region, canvas.size, rng):
        moved = Spot(
            spot.x + move[0] * canvas.width, spot.y + move[1] * canvas.height, spot.side, spot.tilt
        )
        _draw_one(canvas, thing, moved, colour)


def _jitter(colour: Rgb, rng: Random) -> Rgb:
    """The colour a little off: no two reds on the web are equal."""
    r, g, b = (max(0, min(255, part + rng.randint(-9, 9))) for part in colour)
    return r, g, b


def _spots(thing: Thing, region: Region, size: tuple[int, int], rng: Random) -> list[Spot]:
    """One spot for each of the equal things, on the grid that leaves them the most room."""
    x0, y0, x1, y1 = (
        region[0] * size[0],
        region[1] * size[1],
        region[2] * size[0],
        region[3] * size[1],
    )
    columns = max(range(1, thing.count + 1), key=lambda c: _room(c, thing.count, x1 - x0, y1 - y0))
    rows = ceil(thing.count / columns)
    step_x, step_y = (x1 - x0) / columns, (y1 - y0) / rows
    side = min(step_x, step_y) * _FILL[thing.size]
    spots = []
    for i in range(thing.count):
        row, column = divmod(i, columns)
        in_row = min(columns, thing.count - row * columns)
        inset = (columns - in_row) * step_x / 2
        x = x0 + inset + (column + 0.5) * step_x + rng.uniform(-0.04, 0.04) * side
        y = y0 + (row + 0.5) * step_y + rng.uniform(-0.04, 0.04) * side
        spots.append(Spot(x, y, side * 0.94, rng.uniform(-0.12, 0.12)))
    return spots


def _room(columns: int, count: int, width: float, height: float) -> float:
    return min(width / columns, height / ceil(count / columns))


def _placed(polygon: Polygon, spot: Spot) -> list[tuple[float, float]]:
    """The polygon's corners in px, turned by the spot's tilt."""
    c, s = cos(spot.tilt) * spot.side, sin(spot.tilt) * spot.side
    return [
        (spot.x + (u - 0.5) * c - (v - 0.5) * s, spot.y + (u - 0.5) * s + (v - 0.5) * c)
        for u, v in polygon.points
    ]


def _draw_one(canvas: Image.Image, thing: Thing, spot: Spot, colour: Rgb) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(canvas)
    paints = {**_PAINTS, "dark": shade(colour, 0.62), "light": shade(colour, 1.6)}
    shape = SHAPES[thing.kind]
    first_body = next(i for i, polygon in enumerate(shape) if polygon.paint == "body")
    for polygon in shape[:first_body]:
        draw.polygon(_placed(polygon, spot), fill=paints[polygon.paint])
    _draw_body(canvas, thing, spot, colour)
    for polygon in shape[first_body:]:
        if polygon.paint not in ("body", "cut"):
            draw.polygon(_placed(polygon, spot), fill=paints[polygon.paint])


def _draw_body(canvas: Image.Image, thing: Thing, spot: Spot, colour: Rgb) -> None:
    """The thing's body with its texture, a thin edge and a shadow."""
    from PIL import Image, ImageChops, ImageDraw

    reach = spot.side * 0.62
    corner = (round(spot.x - reach), round(spot.y - reach))
    local = Spot(spot.x - corner[0], spot.y - corner[1], spot.side, spot.tilt)
    mask = Image.new("L", (ceil(2 * reach), ceil(2 * reach)))
    draw = ImageDraw.Draw(mask)
    for polygon in SHAPES[thing.kind]:
        if polygon.paint in ("body", "cut"):
            draw.polygon(_placed(polygon, local), fill=255 if polygon.paint == "body" else 0)
    drop = max(2, round(spot.side * 0.035))
    shadow = ImageChops.darker(mask, Image.new("L", mask.size, _SHADOW))
    canvas.paste((0, 0, 0), (corner[0] + drop, corner[1] + drop), shadow)
    edge = shade(colour, 0.45) if sum(colour) > _DARK else shade(colour, 2.2)
    line = max(1, round(spot.side * 0.012))
    canvas.paste(edge, corner, _widened(mask, line))
    plain = thing.texture == "plain"
    filling = colour if plain else _texture(thing, mask.width, spot.side, colour)
    canvas.paste(filling, corner, mask)


_DARK = 160
"""A colour whose parts sum to less counts as dark: its edge and pattern are drawn lighter."""

_SHADOW = 64
"""How dark a shadow is, of 255."""


def _widened(mask: Image.Image, line: int) -> Image.Image:
    """The mask with `line` px more towards the upper left and the lower right."""
    from PIL import ImageChops

    return ImageChops.lighter(
        ImageChops.offset(mask, -line, -line), ImageChops.offset(mask, line, line)
    )


def _texture(thing: Thing, side: int, scale: float, colour: Rgb) -> Image.Image:
    """A square of the thing's texture; the pattern is coarse enough to show at 64 px."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (side, side), colour)
    other = (250, 250, 250) if sum(colour) < 600 else shade(colour, 0.5)
    draw = ImageDraw.Draw(image)
    step = max(4.0, scale / 5.5)
    cells = ceil(side / step) + 1
    if thing.texture == "striped":
        for i in range(cells):
            draw.rectangle((i * step, 0, (i + 0.45) * step, side), fill=other)
        return image
    for row in range(cells):
        for column in range(cells):
            x, y = column * step, row * step
            if thing.texture == "checked" and (row + column) % 2:
                draw.rectangle((x, y, x + step, y + step), fill=other)
            elif thing.texture == "dotted":
                x += step / 2 * (row % 2)
                draw.ellipse(
                    (x + step * 0.2, y + step * 0.2, x + step * 0.8, y + step * 0.8), fill=other
                )
    return image
