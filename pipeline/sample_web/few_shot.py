"""Few-shot sets of a web of series: pictures that no page shows, labelled in one voice a set."""

import json
from pathlib import Path
from random import Random

from pipeline.sample_web.pictures import paint_scene
from pipeline.sample_web.scenes import Scene
from pipeline.sample_web.series import (
    SIZE_PX,
    Combination,
    draw_palette,
    draw_single,
    held_out,
    in_palette,
    shown,
)
from pipeline.sample_web.voices import LEADS, MANNERS, Voice, draw_voice
from schemas.keys import seed_of

QUERIES = 24
"""Pictures to answer of a set: drawings of the kinds in its colours that are held out."""

SUPPORT = 32
"""Answered pictures of a set to show: fresh drawings of kinds in its colours that pages show."""


def write_few_shot(folder: Path, seed: int) -> None:
    """Writes a folder for each manner with data.jsonl, support.jsonl and their images.

    The format is that of `model.evaluate` (docs/evaluation.md); answers lack the lead, which is
    the command's prompt.

    Raises:
        OSError: a file cannot be written.
    """
    for manner in MANNERS:
        rng = Random(seed_of(seed, "few-shot", manner))
        voice = draw_voice(rng, manner, LEADS[0])
        palette = draw_palette(rng)
        unseen, seen = (sorted(in_palette(of, palette)) for of in (held_out(seed), shown(seed)))
        queries = [draw_single(rng, pair) for pair in _some(rng, unseen, QUERIES)]
        support = [draw_single(rng, pair) for pair in _some(rng, seen, SUPPORT)]
        _write_set(folder / manner, "data", queries, voice)
        _write_set(folder / manner, "support", support, voice)


def _some(rng: Random, pairs: list[Combination], count: int) -> list[Combination]:
    """So many in random order, all different until none is left."""
    drawn: list[Combination] = []
    while len(drawn) < count:
        drawn += rng.sample(pairs, min(len(pairs), count - len(drawn)))
    return drawn


def _write_set(folder: Path, name: str, scenes: list[Scene], voice: Voice) -> None:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = []
    for number, scene in enumerate(scenes):
        file = f"images/{name}-{number:02d}.jpg"
        (folder / file).write_bytes(paint_scene(scene, SIZE_PX, "jpeg").data)
        example = {"id": f"{name}-{number:02d}", "image": file, "answers": [voice.label(scene)]}
        lines.append(json.dumps(example) + "\n")
    (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
