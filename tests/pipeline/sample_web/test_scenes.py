"""Scenes: drawn from a seed, distinct, and with things that show before their setting."""

from random import Random

import pytest

from pipeline.sample_web.scenes import CLASHES, LAYOUTS, draw_scene, region_of, signature_of
from pipeline.sample_web.shapes import SHAPES


def test_same_state_same_scene():
    assert [draw_scene(Random(i)) for i in range(20)] == [draw_scene(Random(i)) for i in range(20)]


def test_thousands_of_scenes_hardly_repeat():
    rng = Random(1)
    assert len({signature_of(draw_scene(rng)) for _ in range(5000)}) > 4950


@pytest.mark.parametrize("seed", range(40))
def test_things_differ_and_show(seed):
    scene = draw_scene(Random(seed))
    assert 1 <= len(scene.things) <= 6
    assert len({thing.kind for thing in scene.things}) == len(scene.things)
    assert len({thing.colour for thing in scene.things}) == len(scene.things)
    assert not {thing.colour for thing in scene.things} & {*CLASHES[scene.setting], scene.tint}
    assert all(region_of(scene, thing) for thing in scene.things)


def test_every_kind_and_setting_occurs():
    rng = Random(2)
    scenes = [draw_scene(rng) for _ in range(1500)]
    assert {thing.kind for scene in scenes for thing in scene.things} == set(SHAPES)
    assert {scene.setting for scene in scenes} == set(CLASHES)
    assert {scene.layout for scene in scenes} == set(LAYOUTS)


def test_kinds_and_settings_can_be_left_out():
    rng = Random(3)
    scenes = [draw_scene(rng, {"kind": ("fish",), "setting": ("sea",)}) for _ in range(300)]
    assert all(thing.kind != "fish" for scene in scenes for thing in scene.things)
    assert all(scene.setting != "sea" for scene in scenes)
