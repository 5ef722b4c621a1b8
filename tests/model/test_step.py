from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.assemble import Run, assemble, open_readers
from model.batches import Batch, BatchReader
from model.checkpoint import Progress
from model.flamingo import inputs_of
from model.flops import flops_of
from model.mixture import Draw, MixtureState
from model.ranks import Ranks
from model.reader import CorpusError, Position
from model.recipe import TrainRecipe
from model.step import Outcome, advance, backward, log_line, train_step
from schemas.recipe import RecipeError
from schemas.rejection import Reason


@pytest.fixture
def run(toy_recipe: TrainRecipe, tmp_path: Path) -> Run:
    run, _ = assemble(toy_recipe, tmp_path, "cpu")
    with torch.no_grad():
        for block in run.model.cross_attention:
            block.attention_gate.fill_(0.5)
            block.dense_gate.fill_(0.5)
    return run


@pytest.fixture(scope="module")
def readers(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, BatchReader]]:
    _, drawing = assemble(toy_recipe, tmp_path_factory.mktemp("run"), "cpu")
    readers = open_readers(toy_recipe, toy_data, drawing)
    yield readers
    for reader in readers.values():
        reader.close()


@pytest.fixture(scope="module")
def batches(readers: Mapping[str, BatchReader]) -> tuple[Batch, ...]:
    return tuple(reader.batch_at(Position()) for reader in readers.values())


def draw(batches: tuple[Batch, ...]) -> Draw:
    return Draw(batches, MixtureState(1, {batch.corpus: batch.after for batch in batches}))


def gradients(run: Run) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in run.model.trainable().items() if p.grad is not None}


def test_accumulated_gradients_are_those_of_the_weighted_sum(
    run: Run, batches: tuple[Batch, ...]
) -> None:
    for batch in batches:
        backward(run, batch)
    accumulated = gradients(run)
    run.model.zero_grad()
    weights = {"m3w": 1.0, "align": 0.2, "ltip": 0.2, "vtp": 0.03}
    total = sum(
        weights[batch.corpus] * run.model(inputs_of(batch.passes[0], run.device)) / batch.labels
        for batch in batches
    )
    total.backward()
    assert set(accumulated) == set(gradients(run))
    for name, grad in gradients(run).items():
        assert torch.allclose(accumulated[name], grad, rtol=1e-4, atol=1e-7), name


def test_a_batch_in_passes_has_the_gradients_of_the_whole(
    run: Run, readers: Mapping[str, BatchReader], batches: tuple[Batch, ...]
) -> None:
    for name, whole in zip(("m3w", "align"), batches, strict=False):
        reader = readers[name]
        reader.rows_per_pass = 1
        parts = reader.batch_at(Position())
        reader.rows_per_pass = 0
        found = []
        for batch in (whole, parts):
            run.model.zero_grad()
            found.append((backward(run, batch).item(), gradients(run)))
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
        for key, grad in found[0][1].items():
            assert torch.allclose(grad, found[1][1][key], rtol=1e-4, atol=1e-7), key


def test_gradients_are_clipped_once_over_all_corpora(
    run: Run, batches: tuple[Batch, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def counted(parameters: list[torch.Tensor], limit: float) -> torch.Tensor:
        calls.append(limit)
        return clip(parameters, limit)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", counted)
    outcome = train_step(run, draw(batches), 1)
    assert calls == [1.0]
    norm = torch.stack([g.norm() for g in gradients(run).values()]).norm()
    assert norm <= 1.0 + 1e-5
    assert outcome.grad_norm >= norm - 1e-5
    assert outcome.rate == pytest.approx(0.005)  # the first of two warm-up steps


def test_gradients_that_are_not_finite_make_no_update(run: Run, batches: tuple[Batch, ...]) -> None:
    with torch.no_grad():
        run.model.resampler.latents[0, 0] = float("nan")
    before = {name: p.clone() for name, p in run.model.trainable().items()}
    outcome = train_step(run, draw(batches), 1)
    assert not outcome.updated
    for name, parameter in run.model.trainable().items():
        assert torch.equal(parameter.nan_to_num(7), before[name].nan_to_num(7)), name


class Two(Ranks):
    """Rank 0 of two that say the same of themselves, but for the memory of their GPUs."""

    size = 2

    def gather(self, value: Any) -> list[Any]:
        return [value, replace(value, gpu_peak_memory_bytes=7_000)]


def test_a_line_on_gpus_tells_their_memory_and_the_share_of_both(
    run: Run, batches: tuple[Batch, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5_000)
    recipe = replace(run.recipe, run=replace(run.recipe.run, peak_flops=1e9))
    on_gpu = replace(run, device=torch.device("cuda"), ranks=Two(), recipe=recipe)
    drawn = draw(batches)
    progress = Progress(1, drawn.after, {}, 12)
    outcome = Outcome({batch.corpus: 1.0 for batch in batches}, 1.0, 0.1, updated=True)
    line = log_line(on_gpu, progress, drawn, outcome, 2.0, 0.5)
    work = sum(flops_of(run.costs, rows) for batch in batches for rows in batch.passes)
    assert line["gpu_peak_memory_bytes"] == 7_000
    assert line["flops"] == 2 * work
    assert line["flops_per_s"] == work  # two ranks in two seconds
    assert line["mfu"] == pytest.approx(work / 2e9, abs=1e-4)
    assert line["wait_share"] == 0.25


def test_a_first_step_moves_each_kind_of_parameter_at_its_own_rate(
    toy_recipe: TrainRecipe, batches: tuple[Batch, ...], tmp_path: Path
) -> None:
    optim = replace(
        toy_recipe.optim, learning_rate=1e-4, warmup_steps=0, weight_decay=0.0, gate_factor=30.0,
        resampler_factor=0.5,
    )  # fmt: skip
    run, _ = assemble(replace(toy_recipe, optim=optim), tmp_path, "cpu")
    gate = run.model.cross_attention[0].dense_gate
    with torch.no_grad():
        run.model.cross_attention[0].attention_gate.fill_(0.5)
    latents = run.model.resampler.latents.detach().clone()
    train_step(run, draw(batches), 1)
    # Adam's first step is the rate itself, whatever the gradient.
    assert abs(float(gate.detach())) == pytest.approx(30e-4, rel=1e-3)
    moved = (run.model.resampler.latents.detach() - latents).abs().max()
    assert float(moved) == pytest.approx(0.5e-4, rel=1e-2)


def test_frozen_parameters_do_not_move(run: Run, batches: tuple[Batch, ...]) -> None:
    frozen = {n: p.clone() for n, p in run.model.named_parameters() if not p.requires_grad}
    for step in range(1, 3):
        assert train_step(run, draw(batches), step).updated
    for name, parameter in run.model.named_parameters():
        if name in frozen:
            assert torch.equal(parameter, frozen[name]), name


def test_the_toy_is_learnt(run: Run, batches: tuple[Batch, ...]) -> None:
    """Thirty steps on one draw: the loss of every corpus falls well under what it was."""
    first = train_step(run, draw(batches), 3).losses
    for _ in range(30):
        last = train_step(run, draw(batches), 3).losses
    assert all(last[name] < 0.85 * first[name] for name in first), (first, last)


def test_what_is_learnt_is_in_the_images(run: Run, batches: tuple[Batch, ...]) -> None:
    """Captions that name a colour: the loss is worse with the images in another order."""
    captions = batches[1]
    for _ in range(80):
        train_step(run, draw((captions,)), 3)
    rows = captions.passes[0]
    shuffled = replace(rows, pixels_FHWC=np.roll(rows.pixels_FHWC, 1, axis=0))
    with torch.no_grad():
        right, wrong = (run.model(inputs_of(r, run.device)).item() for r in (rows, shuffled))
    assert right < 0.8 * wrong, (right, wrong)


def test_too_many_unusable_samples_stop_the_run(batches: tuple[Batch, ...]) -> None:
    bad = replace(batches[0], skipped=Counter({Reason.UNDECODABLE: 30}))
    progress = Progress(0, MixtureState(0, {}), {}, 0)
    for _ in range(2):
        progress = advance(progress, draw((bad,)), 0.5)  # too few were read to tell
    assert progress.skipped == {"m3w": {"undecodable": 60}}
    advance(replace(progress, samples=90), draw((bad,)), 0.5)  # 90 of 183 are bad
    with pytest.raises(CorpusError, match=r"90 of 133 samples .*'undecodable': 90"):
        advance(replace(progress, samples=40), draw((bad,)), 0.5)


def test_a_window_longer_than_the_language_model_is_refused(
    toy_recipe: TrainRecipe, tmp_path: Path
) -> None:
    recipe = replace(toy_recipe, window=replace(toy_recipe.window, tokens=200))
    with pytest.raises(RecipeError, match=r"\[window\] tokens = 200: LlamaForCausalLM takes 128"):
        assemble(recipe, tmp_path, "cpu")


def test_a_model_that_cannot_be_packed_is_refused_by_name(
    toy_recipe: TrainRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.self_test.packing_error", lambda *_: 0.3)
    with pytest.raises(RecipeError, match=r"LlamaForCausalLM see one another.*packed=false"):
        assemble(toy_recipe, tmp_path, "cpu")
    alone = replace(toy_recipe, window=replace(toy_recipe.window, packed=False))
    assemble(alone, tmp_path, "cpu")
