"""Pictures of scenes: the asked size, the told colours, the same pixels each time."""

from random import Random

import pytest

from pipeline.sample_web.render import render_frames, render_scene
from pipeline.sample_web.scenes import COLOURS, Scene, Thing, draw_scene
from pipeline.sample_web.shapes import SHAPES


def one(kind="circle", colour="red", texture="plain", setting="snow", place="centre"):
    layout = "alone" if place == "centre" else "aside"
    return Scene(setting, "", layout, (Thing(kind, colour, texture, "large", place),), 7)


def distance(pixel, colour):
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("size", [(64, 64), (400, 300), (90, 250), (97, 33)])
def test_size(size):
    assert render_scene(one(), *size).size == size


def test_same_scene_same_pixels():
    scene = draw_scene(Random(4))
    first, second = (render_scene(scene, 120, 90).tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("colour", [c for c in COLOURS if c not in ("white", "grey")])
def test_the_thing_has_its_colour(colour):
    pixel = render_scene(one(colour=colour), 96, 96).resize((3, 3)).getpixel((1, 1))
    nearest = min(COLOURS, key=lambda name: distance(pixel, COLOURS[name]))
    assert nearest == colour


def test_the_thing_stands_at_its_place():
    image = render_scene(one(place="left"), 100, 100)
    assert distance(image.getpixel((26, 50)), COLOURS["red"]) < 70
    assert distance(image.getpixel((76, 50)), COLOURS["red"]) > 100


def test_frames_move_the_thing():
    frames = [((0.0, 0.0),), ((0.5, 0.0),)]
    first, last = render_frames(one(place="left"), 100, 100, frames)
    assert distance(first.getpixel((26, 50)), COLOURS["red"]) < 70
    assert distance(last.getpixel((26, 50)), COLOURS["red"]) > 100
    assert distance(last.getpixel((76, 50)), COLOURS["red"]) < 70


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("texture", ["plain", "striped", "dotted", "checked"])
def test_every_kind_draws_in_every_texture(kind, texture):
    shown = render_scene(one(kind, "green", texture), 64, 64)
    plain_snow = render_scene(Scene("snow", "", "alone", (), 7), 64, 64)
    assert shown.tobytes() != plain_snow.tobytes()
    assert len(shown.getcolors(64 * 64) or ()) > 50
