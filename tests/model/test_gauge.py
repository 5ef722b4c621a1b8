"""The losses without images: right, and without any trace in the run."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.assemble import Run, assemble, open_readers
from model.batches import Batch
from model.flamingo import inputs_of
from model.gauge import gauge, shuffled_images, without_images
from model.mixture import Draw, MixtureState
from model.packing import Rows
from model.reader import Position
from model.recipe import CorporaRecipe, CorpusRecipe, TrainRecipe, WatchRecipe
from model.train import train


def with_images(*counts: list[int]) -> tuple[Rows, ...]:
    """Passes whose images have so many frames; each frame is one pixel that says which image."""
    passes, image = [], 0
    for frames in counts:
        pixels = np.repeat(np.arange(image, image + len(frames)), frames)
        image += len(frames)
        empty = np.zeros((1, 1), np.int64)
        passes.append(
            Rows(
                *[empty] * 5,
                np.broadcast_to(pixels[:, None, None, None], (len(pixels), 1, 1, 3)).astype("u1"),
                np.asarray(frames, np.int64),
            )
        )
    return tuple(passes)


def seen(passes: tuple[Rows, ...]) -> list[tuple[int, int]]:
    """Of each image, which one it is and how many frames it has."""
    found = []
    for rows in passes:
        assert len(rows.pixels_FHWC) == rows.frames_I.sum()
        ends = np.cumsum(rows.frames_I)
        for end, frames in zip(ends, rows.frames_I, strict=True):
            (number,) = set(rows.pixels_FHWC[end - frames : end].ravel().tolist())
            found.append((number, int(frames)))
    return found


COUNTS = st.lists(st.lists(st.integers(1, 4), max_size=5), max_size=4)


@given(COUNTS)
def test_every_image_stands_in_anothers_place(counts: list[list[int]]) -> None:
    passes = with_images(*counts)
    before, shuffled = seen(passes), shuffled_images(passes)
    if len(before) == 1:
        assert shuffled is None
        return
    assert shuffled is not None
    after = seen(shuffled)
    assert sorted(after) == sorted(before)
    assert all(one != other for one, other in zip(after, before, strict=True))
    assert [len(rows.frames_I) for rows in shuffled] == [len(frames) for frames in counts]


@given(st.lists(st.integers(1, 3), min_size=2, max_size=6))
def test_no_document_keeps_an_image_unless_it_has_more_than_half(documents: list[int]) -> None:
    owner = np.repeat(np.arange(len(documents)), documents)
    shuffled = shuffled_images(with_images([1] * len(owner)))
    assert shuffled is not None
    given = owner[[number for number, _ in seen(shuffled)]]
    if max(documents) <= len(owner) // 2:
        assert (given != owner).all()


def test_without_images_nothing_of_them_is_left() -> None:
    blank = without_images(with_images([1, 3], []), (7, 8, 9))
    assert [rows.frames_I.tolist() for rows in blank] == [[1, 3], []]
    assert set(map(tuple, blank[0].pixels_FHWC.reshape(-1, 3).tolist())) == {(7, 8, 9)}


@pytest.fixture
def run(toy_recipe: TrainRecipe, tmp_path: Path) -> Run:
    run, _ = assemble(toy_recipe, tmp_path, "cpu")
    with torch.no_grad():
        for block in run.model.cross_attention:
            block.attention_gate.fill_(0.5)
    return run


@pytest.fixture
def drawn(toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path) -> Iterator[Draw]:
    """A batch of each corpus, in passes of one row."""
    recipe = replace(toy_recipe, run=replace(toy_recipe.run, rows_per_pass=1))
    readers = open_readers(recipe, toy_data, assemble(recipe, tmp_path, "cpu")[1])
    batches = tuple(reader.batch_at(Position()) for reader in readers.values())
    yield Draw(batches, MixtureState(1, {}))
    for reader in readers.values():
        reader.close()


def loss(run: Run, batch: Batch, passes: tuple[Rows, ...]) -> float:
    with torch.no_grad():
        return sum(float(run.model(inputs_of(rows, run.device))) for rows in passes) / batch.labels


def test_the_gauge_is_the_loss_of_the_changed_batch(run: Run, drawn: Draw) -> None:
    found = gauge(run, drawn)
    for batch in drawn.batches:
        own = loss(run, batch, batch.passes)
        # the tower's mean is 0.5, 0.4, 0.3
        blank = loss(run, batch, without_images(batch.passes, (128, 102, 76)))
        assert found.without_images[batch.corpus] == pytest.approx(blank, rel=1e-5)
        assert abs(blank - own) > 1e-4
        assert abs(found.shuffled_images[batch.corpus] - own) > 1e-6  # type: ignore[operator]


def test_gates_that_are_shut_see_nothing(run: Run, drawn: Draw) -> None:
    with torch.no_grad():
        for block in run.model.cross_attention:
            block.attention_gate.zero_()
    found = gauge(run, drawn)
    for batch in drawn.batches:
        own = pytest.approx(loss(run, batch, batch.passes), rel=1e-6)
        assert found.without_images[batch.corpus] == own
        assert found.shuffled_images[batch.corpus] == own


def test_the_gauge_leaves_no_trace(run: Run, drawn: Draw) -> None:
    before = torch.get_rng_state()
    held = {name: p.detach().clone() for name, p in run.model.trainable().items()}
    pixels = [rows.pixels_FHWC.copy() for batch in drawn.batches for rows in batch.passes]

    def draws(*_: object) -> None:
        torch.rand(3)

    run.model.register_forward_pre_hook(draws)  # as dropout would
    gauge(run, drawn)
    assert torch.equal(before, torch.get_rng_state())
    for name, parameter in run.model.trainable().items():
        assert parameter.grad is None
        assert torch.equal(parameter, held[name])
    after = [rows.pixels_FHWC for batch in drawn.batches for rows in batch.passes]
    assert all(np.array_equal(one, two) for one, two in zip(pixels, after, strict=True))


def lines_of(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]


def watched(recipe: TrainRecipe, every: int, steps: int) -> TrainRecipe:
    return replace(
        recipe,
        watch=WatchRecipe(every=every),
        run=replace(recipe.run, steps=steps, checkpoint_every=4),
    )


def test_a_resumed_run_with_the_gauge_is_one_without(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """To the last bit: its losses, its weights, its moments and its random numbers."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(watched(toy_recipe, 0, 8), toy_data, whole)
    train(watched(toy_recipe, 3, 4), toy_data, cut)
    train(watched(toy_recipe, 2, 8), toy_data, cut, resume=True)
    kept = ("losses", "loss", "grad_norm", "tokens", "flops", "samples")
    assert [[line[key] for key in kept] for line in lines_of(cut)] == [
        [line[key] for key in kept] for line in lines_of(whole)
    ]
    looked = [line["step"] for line in lines_of(cut) if "loss_without_images" in line]
    assert looked == [3, 6, 8]
    assert not any("loss_without_images" in line for line in lines_of(whole))
    last = Path("checkpoints") / "step-00000008"
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (cut / last / name).read_bytes() == (whole / last / name).read_bytes()
    states = [json.loads((run / last / "state.json").read_bytes()) for run in (cut, whole)]
    assert states[0]["random"] == states[1]["random"]


def test_a_line_has_the_losses_of_the_same_weights(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """At step 1 the gates are shut: with images or without, the loss is the same."""
    corpora = CorporaRecipe(
        m3w=toy_recipe.corpora.m3w, vtp=CorpusRecipe(batch=1, weight=0.03, tokens=16)
    )
    recipe = watched(replace(toy_recipe, corpora=corpora), 1, 2)
    train(recipe, {name: toy_data[name] for name in ("m3w", "vtp")}, tmp_path)
    first, second = lines_of(tmp_path)
    assert first["loss_without_images"] == pytest.approx(first["losses"], rel=1e-6)
    assert set(first["loss_shuffled_images"]) == {"m3w"}  # one video has nobody to change with
    assert second["loss_without_images"]["m3w"] != second["losses"]["m3w"]
    assert first["watch_seconds"] > 0
