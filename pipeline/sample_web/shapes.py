"""The drawn things of the made-up web: each kind as polygons in the unit square, y downwards."""

from dataclasses import dataclass
from math import cos, pi, sin

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Polygon:
    """One filled polygon of a thing.

    Attributes:
        paint: "body" takes the thing's colour and texture, "cut" removes from the body;
            "dark" and "light" are shades of the thing's colour; other words name a colour.
        points: corners in the unit square.
    """

    paint: str
    points: Points


def _oval(paint: str, x: float, y: float, rx: float, ry: float = 0.0, tilt: float = 0.0) -> Polygon:
    """An ellipse as a polygon of 28 corners; `tilt` in turns; `ry` 0 makes a circle."""
    ry = ry or rx
    c, s = cos(2 * pi * tilt), sin(2 * pi * tilt)
    ring = [(rx * cos(pi * i / 14), ry * sin(pi * i / 14)) for i in range(28)]
    return Polygon(paint, tuple((x + u * c - v * s, y + u * s + v * c) for u, v in ring))


def _box(paint: str, x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return Polygon(paint, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def _poly(paint: str, *numbers: float) -> Polygon:
    """A polygon from its corners, given as x, y, x, y and so on."""
    return Polygon(paint, tuple(zip(numbers[::2], numbers[1::2], strict=True)))


def _bar(paint: str, x0: float, y0: float, x1: float, y1: float, width: float) -> Polygon:
    """A thick line from one point to another."""
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    dx, dy = (y1 - y0) / length * width / 2, (x0 - x1) / length * width / 2
    return _poly(paint, x0 + dx, y0 + dy, x1 + dx, y1 + dy, x1 - dx, y1 - dy, x0 - dx, y0 - dy)


def _spiked(paint: str, spikes: int, inner: float, y: float = 0.5) -> Polygon:
    """A star with the given number of spikes; `inner` is the radius between them."""
    radii = [0.5 if i % 2 == 0 else inner for i in range(2 * spikes)]
    turns = [pi * i / spikes - pi / 2 for i in range(2 * spikes)]
    pairs = zip(radii, turns, strict=True)
    return Polygon(paint, tuple((0.5 + r * cos(t), y + r * sin(t)) for r, t in pairs))


def _petals(count: int, reach: float, radius: float) -> tuple[Polygon, ...]:
    turns = [2 * pi * i / count for i in range(count)]
    return tuple(_oval("body", 0.5 + reach * sin(t), 0.36 - reach * cos(t), radius) for t in turns)


def _upper_half(paint: str, x: float, y: float, rx: float, ry: float) -> Polygon:
    arc = [(x - rx * cos(pi * i / 16), y - ry * sin(pi * i / 16)) for i in range(17)]
    return Polygon(paint, tuple(arc))


def _lower_half(paint: str, x: float, y: float, rx: float, ry: float) -> Polygon:
    return _upper_half(paint, x, y, rx, -ry)


SHAPES: dict[str, tuple[Polygon, ...]] = {
    "circle": (_oval("body", 0.5, 0.5, 0.46),),
    "square": (_box("body", 0.08, 0.08, 0.92, 0.92),),
    "triangle": (_poly("body", 0.5, 0.04, 0.98, 0.93, 0.02, 0.93),),
    "diamond": (_poly("body", 0.5, 0.0, 0.86, 0.5, 0.5, 1.0, 0.14, 0.5),),
    "star": (_spiked("body", 5, 0.21, 0.53),),
    "cross": (_box("body", 0.34, 0.03, 0.66, 0.97), _box("body", 0.03, 0.34, 0.97, 0.66)),
    "ring": (_oval("body", 0.5, 0.5, 0.48), _oval("cut", 0.5, 0.5, 0.26)),
    "moon": (_oval("body", 0.45, 0.5, 0.47), _oval("cut", 0.66, 0.42, 0.38)),
    "heart": (
        _oval("body", 0.28, 0.32, 0.26),
        _oval("body", 0.72, 0.32, 0.26),
        _poly("body", 0.07, 0.47, 0.5, 0.97, 0.93, 0.47, 0.5, 0.25),
    ),
    "arrow": (_poly("body", 0.0, 0.35, 0.5, 0.35, 0.5, 0.1, 1, 0.5, 0.5, 0.9, 0.5, 0.65, 0, 0.65),),
    "ball": (
        _oval("body", 0.5, 0.5, 0.46),
        _bar("dark", 0.06, 0.5, 0.94, 0.5, 0.06),
        _bar("dark", 0.5, 0.06, 0.5, 0.94, 0.06),
        _oval("white", 0.33, 0.3, 0.09, 0.06, -0.1),
    ),
    "house": (
        _box("body", 0.14, 0.45, 0.86, 0.97),
        _poly("dark", 0.02, 0.48, 0.5, 0.03, 0.98, 0.48),
        _box("wood", 0.42, 0.66, 0.6, 0.97),
        _box("white", 0.22, 0.56, 0.36, 0.7),
        _box("white", 0.66, 0.56, 0.8, 0.7),
    ),
    "tree": (
        _box("wood", 0.43, 0.6, 0.57, 1.0),
        _oval("body", 0.5, 0.27, 0.27),
        _oval("body", 0.3, 0.44, 0.24),
        _oval("body", 0.7, 0.44, 0.24),
    ),
    "fish": (
        _oval("body", 0.42, 0.5, 0.4, 0.27),
        _poly("body", 0.7, 0.5, 1.0, 0.22, 0.93, 0.5, 1.0, 0.78),
        _poly("dark", 0.36, 0.25, 0.52, 0.08, 0.6, 0.28),
        _oval("white", 0.2, 0.43, 0.07),
        _oval("black", 0.19, 0.43, 0.035),
    ),
    "cup": (
        _oval("body", 0.78, 0.5, 0.2),
        _oval("cut", 0.78, 0.5, 0.1),
        _poly("body", 0.1, 0.14, 0.78, 0.14, 0.7, 0.9, 0.18, 0.9),
        _oval("dark", 0.44, 0.15, 0.34, 0.08),
    ),
    "boat": (
        _poly("body", 0.02, 0.68, 0.98, 0.68, 0.8, 0.95, 0.2, 0.95),
        _box("wood", 0.46, 0.04, 0.52, 0.68),
        _poly("white", 0.55, 0.08, 0.55, 0.6, 0.92, 0.6),
        _poly("light", 0.43, 0.16, 0.43, 0.6, 0.12, 0.6),
    ),
    "flower": (
        _box("leaf", 0.47, 0.5, 0.53, 1.0),
        _oval("leaf", 0.64, 0.82, 0.14, 0.06, -0.08),
        *_petals(6, 0.22, 0.14),
        _oval("yolk", 0.5, 0.36, 0.11),
    ),
    "kite": (
        _poly("body", 0.5, 0.0, 0.82, 0.3, 0.5, 0.74, 0.18, 0.3),
        _bar("dark", 0.5, 0.0, 0.5, 0.74, 0.03),
        _bar("dark", 0.18, 0.3, 0.82, 0.3, 0.03),
        _bar("black", 0.5, 0.74, 0.42, 0.86, 0.03),
        _bar("black", 0.42, 0.86, 0.56, 1.0, 0.03),
    ),
    "balloon": (
        _bar("black", 0.5, 0.7, 0.5, 1.0, 0.03),
        _oval("body", 0.5, 0.36, 0.3, 0.36),
        _poly("body", 0.5, 0.68, 0.58, 0.78, 0.42, 0.78),
        _oval("white", 0.38, 0.22, 0.05, 0.1, 0.06),
    ),
    "umbrella": (
        _bar("wood", 0.5, 0.4, 0.5, 0.95, 0.05),
        _bar("wood", 0.5, 0.94, 0.36, 0.94, 0.05),
        _upper_half("body", 0.5, 0.52, 0.48, 0.46),
        _upper_half("cut", 0.18, 0.53, 0.16, 0.08),
        _upper_half("cut", 0.5, 0.53, 0.16, 0.08),
        _upper_half("cut", 0.82, 0.53, 0.16, 0.08),
    ),
    "mushroom": (
        _poly("cream", 0.38, 0.5, 0.62, 0.5, 0.68, 0.97, 0.32, 0.97),
        _upper_half("body", 0.5, 0.58, 0.48, 0.52),
    ),
    "bird": (
        _oval("body", 0.48, 0.55, 0.34, 0.24),
        _oval("body", 0.78, 0.32, 0.17),
        _poly("body", 0.2, 0.5, 0.0, 0.28, 0.06, 0.66),
        _poly("yolk", 0.92, 0.27, 1.0, 0.34, 0.92, 0.4),
        _poly("dark", 0.3, 0.5, 0.62, 0.48, 0.38, 0.74),
        _oval("black", 0.81, 0.28, 0.035),
        _bar("black", 0.44, 0.76, 0.44, 0.98, 0.04),
        _bar("black", 0.58, 0.76, 0.58, 0.98, 0.04),
    ),
    "butterfly": (
        _oval("body", 0.24, 0.3, 0.25, 0.22, 0.1),
        _oval("body", 0.76, 0.3, 0.25, 0.22, -0.1),
        _oval("body", 0.3, 0.7, 0.19, 0.17),
        _oval("body", 0.7, 0.7, 0.19, 0.17),
        _oval("black", 0.5, 0.5, 0.05, 0.36),
        _bar("black", 0.5, 0.18, 0.38, 0.02, 0.03),
        _bar("black", 0.5, 0.18, 0.62, 0.02, 0.03),
    ),
    "car": (
        _box("body", 0.02, 0.45, 0.98, 0.74),
        _poly("body", 0.2, 0.47, 0.32, 0.2, 0.7, 0.2, 0.84, 0.47),
        _poly("white", 0.3, 0.44, 0.37, 0.27, 0.49, 0.27, 0.49, 0.44),
        _poly("white", 0.54, 0.44, 0.54, 0.27, 0.66, 0.27, 0.74, 0.44),
        _oval("black", 0.24, 0.75, 0.13),
        _oval("black", 0.76, 0.75, 0.13),
        _oval("white", 0.24, 0.75, 0.05),
        _oval("white", 0.76, 0.75, 0.05),
    ),
    "key": (
        _oval("body", 0.22, 0.5, 0.21),
        _oval("cut", 0.2, 0.5, 0.09),
        _box("body", 0.4, 0.43, 0.98, 0.57),
        _box("body", 0.7, 0.55, 0.78, 0.76),
        _box("body", 0.87, 0.55, 0.95, 0.8),
    ),
    "bottle": (
        _box("body", 0.3, 0.42, 0.7, 0.98),
        _poly("body", 0.3, 0.43, 0.42, 0.26, 0.58, 0.26, 0.7, 0.43),
        _box("body", 0.42, 0.08, 0.58, 0.28),
        _box("wood", 0.41, 0.0, 0.59, 0.1),
        _box("white", 0.34, 0.58, 0.66, 0.8),
    ),
    "hat": (
        _oval("body", 0.5, 0.74, 0.49, 0.15),
        _poly("body", 0.26, 0.72, 0.3, 0.2, 0.7, 0.2, 0.74, 0.72),
        _poly("dark", 0.26, 0.7, 0.27, 0.56, 0.73, 0.56, 0.74, 0.7),
    ),
    "book": (
        _poly("white", 0.2, 0.2, 0.9, 0.12, 0.92, 0.9, 0.22, 0.97),
        _poly("body", 0.08, 0.08, 0.8, 0.0, 0.84, 0.82, 0.14, 0.9),
        _poly("dark", 0.08, 0.08, 0.2, 0.067, 0.26, 0.885, 0.14, 0.9),
        _poly("white", 0.36, 0.2, 0.68, 0.165, 0.695, 0.36, 0.375, 0.395),
        _bar("black", 0.42, 0.3, 0.63, 0.275, 0.035),
    ),
    "lamp": (
        _box("black", 0.47, 0.5, 0.53, 0.92),
        _oval("black", 0.5, 0.93, 0.24, 0.06),
        _poly("body", 0.32, 0.04, 0.68, 0.04, 0.9, 0.52, 0.1, 0.52),
    ),
    "leaf": (
        _oval("body", 0.55, 0.45, 0.5, 0.27, -0.125),
        _poly("body", 0.9, 0.06, 0.98, 0.0, 0.94, 0.12, 0.86, 0.3, 0.7, 0.14),
        _bar("dark", 0.02, 0.98, 0.86, 0.14, 0.045),
        _bar("dark", 0.44, 0.56, 0.42, 0.3, 0.03),
        _bar("dark", 0.44, 0.56, 0.7, 0.58, 0.03),
        _bar("dark", 0.6, 0.4, 0.6, 0.2, 0.03),
        _bar("dark", 0.6, 0.4, 0.8, 0.4, 0.03),
    ),
    "apple": (
        _oval("body", 0.35, 0.58, 0.31, 0.36),
        _oval("body", 0.65, 0.58, 0.31, 0.36),
        _bar("wood", 0.5, 0.3, 0.54, 0.04, 0.06),
        _oval("leaf", 0.7, 0.14, 0.16, 0.07, -0.06),
    ),
    "cloud": (
        _oval("body", 0.26, 0.6, 0.24),
        _oval("body", 0.5, 0.42, 0.28),
        _oval("body", 0.76, 0.58, 0.23),
        _box("body", 0.24, 0.6, 0.78, 0.83),
    ),
    "bell": (
        _oval("dark", 0.5, 0.88, 0.1),
        _upper_half("body", 0.5, 0.44, 0.28, 0.38),
        _poly("body", 0.22, 0.43, 0.78, 0.43, 0.94, 0.82, 0.06, 0.82),
        _box("dark", 0.08, 0.72, 0.92, 0.82),
    ),
    "candle": (
        _box("body", 0.34, 0.36, 0.66, 0.9),
        _box("dark", 0.2, 0.88, 0.8, 0.98),
        _bar("black", 0.5, 0.36, 0.5, 0.24, 0.03),
        _oval("flame", 0.5, 0.15, 0.09, 0.15),
    ),
    "cactus": (
        _oval("body", 0.5, 0.16, 0.13),
        _box("body", 0.37, 0.16, 0.63, 0.76),
        _box("body", 0.1, 0.48, 0.4, 0.6),
        _box("body", 0.1, 0.28, 0.22, 0.58),
        _box("body", 0.6, 0.38, 0.9, 0.5),
        _box("body", 0.78, 0.2, 0.9, 0.48),
        _poly("clay", 0.24, 0.74, 0.76, 0.74, 0.68, 1.0, 0.32, 1.0),
    ),
    "chair": (
        _box("dark", 0.26, 0.56, 0.33, 0.86),
        _box("dark", 0.67, 0.56, 0.74, 0.86),
        _box("body", 0.2, 0.02, 0.3, 0.5),
        _box("body", 0.7, 0.02, 0.8, 0.5),
        _box("body", 0.2, 0.04, 0.8, 0.3),
        _poly("body", 0.2, 0.46, 0.8, 0.46, 0.94, 0.64, 0.06, 0.64),
        _box("body", 0.08, 0.62, 0.17, 1.0),
        _box("body", 0.83, 0.62, 0.92, 1.0),
    ),
    "clock": (
        _oval("body", 0.5, 0.5, 0.48),
        _oval("white", 0.5, 0.5, 0.36),
        _bar("black", 0.5, 0.53, 0.5, 0.2, 0.06),
        _bar("black", 0.48, 0.5, 0.74, 0.6, 0.06),
    ),
    "snail": (
        _poly("clay", 0.02, 0.96, 0.1, 0.8, 0.74, 0.78, 0.86, 0.42, 0.98, 0.44, 0.9, 0.96),
        _bar("clay", 0.92, 0.46, 1.0, 0.24, 0.04),
        _oval("body", 0.42, 0.52, 0.36),
        _oval("dark", 0.42, 0.52, 0.2),
        _oval("light", 0.42, 0.52, 0.1),
    ),
    "bowl": (
        _lower_half("body", 0.5, 0.36, 0.48, 0.5),
        _oval("dark", 0.5, 0.37, 0.48, 0.1),
        _box("body", 0.34, 0.82, 0.66, 0.92),
    ),
}
"""Every kind of thing by its name; the order is part of what a seed means: append, never insert."""
