"""Scenes: what an image of the made-up web shows, as data that can be drawn and told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from pipeline.sample_web.shapes import SHAPES

Rgb = tuple[int, int, int]
Region = tuple[float, float, float, float]

COLOURS: dict[str, Rgb] = {
    "red": (208, 38, 38),
    "orange": (244, 138, 24),
    "yellow": (246, 216, 44),
    "green": (44, 150, 62),
    "blue": (38, 84, 206),
    "purple": (126, 54, 172),
    "pink": (246, 134, 178),
    "brown": (128, 78, 40),
    "black": (34, 34, 38),
    "white": (248, 248, 246),
    "grey": (136, 140, 146),
    "turquoise": (48, 196, 190),
}
"""The colours of things and of painted walls, as sRGB."""

TEXTURES = ("plain", "striped", "dotted", "checked")
SIZES = ("small", "medium", "large")

CLASHES: dict[str, tuple[str, ...]] = {
    "sky": ("blue", "white", "turquoise"),
    "meadow": ("green", "blue"),
    "beach": ("yellow", "blue"),
    "sea": ("blue", "turquoise"),
    "table": ("brown", "orange"),
    "night": ("black", "blue", "purple"),
    "brick": ("red", "brown"),
    "snow": ("white", "grey"),
    "stone": ("grey", "black"),
    "desert": ("orange", "yellow", "brown"),
    "paper": ("white",),
    "wall": (),
    "cloth": (),
}
"""The settings, each with the colours that would not show before it."""

PAINTED = ("wall", "cloth")
"""Settings that have a colour of their own."""

LAYOUTS: dict[str, dict[str, Region]] = {
    "alone": {"centre": (0.14, 0.12, 0.86, 0.88)},
    "aside": {
        "left": (0.03, 0.2, 0.5, 0.8),
        "right": (0.5, 0.2, 0.97, 0.8),
        "top": (0.25, 0.03, 0.75, 0.5),
        "bottom": (0.25, 0.5, 0.75, 0.97),
        "top left": (0.03, 0.03, 0.48, 0.5),
        "top right": (0.52, 0.03, 0.97, 0.5),
        "bottom left": (0.03, 0.5, 0.48, 0.97),
        "bottom right": (0.52, 0.5, 0.97, 0.97),
    },
    "sides": {"left": (0.03, 0.08, 0.49, 0.92), "right": (0.51, 0.08, 0.97, 0.92)},
    "stack": {"top": (0.08, 0.03, 0.92, 0.49), "bottom": (0.08, 0.51, 0.92, 0.97)},
    "columns": {
        "left": (0.02, 0.1, 0.335, 0.9),
        "centre": (0.342, 0.1, 0.658, 0.9),
        "right": (0.665, 0.1, 0.98, 0.9),
    },
    "corners": {
        "top left": (0.03, 0.03, 0.49, 0.49),
        "top right": (0.51, 0.03, 0.97, 0.49),
        "bottom left": (0.03, 0.51, 0.49, 0.97),
        "bottom right": (0.51, 0.51, 0.97, 0.97),
    },
    "five": {
        "top left": (0.02, 0.02, 0.35, 0.37),
        "top right": (0.65, 0.02, 0.98, 0.37),
        "centre": (0.33, 0.32, 0.67, 0.68),
        "bottom left": (0.02, 0.63, 0.35, 0.98),
        "bottom right": (0.65, 0.63, 0.98, 0.98),
    },
    "six": {
        "top left": (0.02, 0.04, 0.34, 0.49),
        "top": (0.34, 0.04, 0.66, 0.49),
        "top right": (0.66, 0.04, 0.98, 0.49),
        "bottom left": (0.02, 0.51, 0.34, 0.96),
        "bottom": (0.34, 0.51, 0.66, 0.96),
        "bottom right": (0.66, 0.51, 0.98, 0.96),
    },
}
"""Each layout's places, in reading order, as (x0, y0, x1, y1) of the unit square."""

_LAYOUTS_OF: dict[int, tuple[str, ...]] = {
    1: ("alone", "aside", "aside"),
    2: ("sides", "sides", "stack"),
    3: ("columns",),
    4: ("corners",),
    5: ("five",),
    6: ("six",),
}
_MOST_OF_A_KIND = {1: 6, 2: 4, 3: 3, 4: 2, 5: 1, 6: 1}


@dataclass(frozen=True, slots=True)
class Thing:
    """One or more equal things at one place of a scene.

    Attributes:
        kind: a name of `SHAPES`.
        colour: a name of `COLOURS`.
        texture: one of `TEXTURES`.
        size: one of `SIZES`, against the room that the place gives.
        place: a place of the scene's layout.
        count: how many stand there.
    """

    kind: str
    colour: str
    texture: str
    size: str
    place: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What one image shows.

    Attributes:
        setting: a name of `CLASHES`: what is behind the things.
        tint: the setting's own colour where it is painted, else "".
        layout: a name of `LAYOUTS`.
        things: 1 to 6, in reading order.
        seed: of the drawing's free detail (tilt, grain, clouds), which no words tell.
    """

    setting: str
    tint: str
    layout: str
    things: tuple[Thing, ...]
    seed: int


def region_of(scene: Scene, thing: Thing) -> Region:
    """Where a thing stands, as (x0, y0, x1, y1) of the unit square."""
    return LAYOUTS[scene.layout][thing.place]


def signature_of(scene: Scene) -> tuple[object, ...]:
    """All of a scene that words can tell: equal for two drawings of the same scene."""
    return (scene.setting, scene.tint, scene.layout, scene.things)


def mirror_scene(scene: Scene) -> Scene:
    """What a picture of the scene shows once it is flipped from left to right."""
    order = list(LAYOUTS[scene.layout])
    things = [replace(thing, place=_mirrored(thing.place)) for thing in scene.things]
    return replace(scene, things=tuple(sorted(things, key=lambda t: order.index(t.place))))


def _mirrored(place: str) -> str:
    if "left" in place:
        return place.replace("left", "right")
    return place.replace("right", "left")


def _draw_thing(rng: Random, place: str, most: int, colours: list[str], kinds: list[str]) -> Thing:
    """A thing whose colour and kind are taken out of the given lists."""
    return Thing(
        kind=kinds.pop(rng.randrange(len(kinds))),
        colour=colours.pop(rng.randrange(len(colours))),
        texture=rng.choices(TEXTURES, (5, 2, 2, 2))[0],
        size=rng.choices(SIZES, (1, 2, 2))[0],
        place=place,
        count=rng.choices(range(1, most + 1), (6, 3, 3, 2, 1, 1)[:most])[0],
    )


def draw_scene(rng: Random, avoid: Mapping[str, tuple[str, ...]] | None = None) -> Scene:
    """A random scene of 1 to 6 things; a thing differs from the others in kind and in colour.

    Args:
        rng: the only source of chance; the same state gives the same scene.
        avoid: optional kinds under "kind" and settings under "setting" that must not occur.
    """
    avoid = avoid or {}
    setting = rng.choice([s for s in CLASHES if s not in avoid.get("setting", ())])
    tint = rng.choice([c for c in COLOURS if c != "black"]) if setting in PAINTED else ""
    number = rng.choices(range(1, 7), (6, 7, 5, 3, 1, 1))[0]
    layout = rng.choice(_LAYOUTS_OF[number])
    places = sorted(rng.sample(list(LAYOUTS[layout]), number), key=list(LAYOUTS[layout]).index)
    clashes = (*CLASHES[setting], tint)
    colours = [colour for colour in COLOURS if colour not in clashes]
    kinds = [kind for kind in SHAPES if kind not in avoid.get("kind", ())]
    most = _MOST_OF_A_KIND[number]
    things = tuple(_draw_thing(rng, place, most, colours, kinds) for place in places)
    return Scene(setting, tint, layout, things, rng.getrandbits(32))
