"""Prompts end where the text after them is about their image; nothing of the run is changed."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.assemble import Run, assemble
from model.batches import Batch
from model.media_mask import next_images, previous_images
from model.mixture import Draw, MixtureState
from model.packing import Example, place
from model.reader import Position
from model.recipe import TrainRecipe, WatchRecipe
from model.samples import first_prompts, samples_of, written
from model.train import train
from model.windows import NO_LABEL, Vocabulary, Window

WORDS = Vocabulary(eoc=90, image=91, bos=0, eos=1)
EOC, IMAGE = 90, 91


def document(
    tokens: Sequence[int], frames: int = 1, ahead: bool = False, first: int = 0
) -> Example:
    """A window whose image k has the colour `first` + k."""
    ids = np.asarray(tokens)
    looks = (next_images if ahead else previous_images)(ids == IMAGE)
    images = [np.full((frames, 8, 8, 3), first + k, np.uint8) for k in range((ids == IMAGE).sum())]
    window = Window(ids, np.full_like(ids, NO_LABEL), looks, tuple(range(len(images))))
    return Example(window, tuple(images))


def batch(rows: Sequence[Sequence[int]], *documents: Example) -> Batch:
    return Batch("m3w", (place(documents, rows, 8),), len(documents), 1, {}, Position())


def test_a_prompt_is_a_document_up_to_its_first_image() -> None:
    one = document([0, 5, EOC, IMAGE, 6, 7, EOC, IMAGE, 8], first=10)
    two = document([0, IMAGE, 9, 9, EOC, 1], frames=3, first=20)
    prompts = first_prompts(batch([[0, 1]], one, two), WORDS, 5)
    assert [(p.tokens, p.truth) for p in prompts] == [
        ((0, 5, EOC, IMAGE), (6, 7)),
        ((0, IMAGE), (9, 9)),
    ]
    assert [p.frames_I.tolist() for p in prompts] == [[1], [3]]
    assert [p.pixels_FHWC[:, 0, 0, 0].tolist() for p in prompts] == [[10], [20, 20, 20]]


@pytest.mark.parametrize(
    "tokens",
    [
        [0, 5, 6],
        [0, 5, EOC, IMAGE],
        [0, IMAGE, EOC, 1],
        [0, IMAGE, IMAGE],
        [IMAGE, 1],
    ],
)
def test_an_image_of_which_nothing_is_said_is_none(tokens: list[int]) -> None:
    assert first_prompts(batch([[0]], document(tokens)), WORDS, 5) == []


def test_an_image_of_which_nothing_is_said_may_precede_another() -> None:
    (prompt,) = first_prompts(
        batch([[0, 1]], document([0, IMAGE], first=3), document([0, IMAGE, IMAGE, 8], first=4)),
        WORDS,
        5,
    )
    assert (prompt.tokens, prompt.truth) == ((0, IMAGE, IMAGE), (8,))
    assert prompt.pixels_FHWC[:, 0, 0, 0].tolist() == [4, 5]


def test_text_that_looks_ahead_is_not_about_the_image_before_it() -> None:
    ahead = document([0, 5, IMAGE, 6, EOC, IMAGE, 7], ahead=True)
    assert first_prompts(batch([[0]], ahead), WORDS, 5) == []


def test_as_many_as_asked_for_one_of_a_document_over_all_passes() -> None:
    documents = [document([0, IMAGE, n, EOC, IMAGE, n]) for n in (5, 6, 7)]
    passes = tuple(place([one], [[0]], 8) for one in documents)
    several = Batch("m3w", passes, 3, 1, {}, Position())
    assert [p.truth for p in first_prompts(several, WORDS, 2)] == [(5,), (6,)]
    assert first_prompts(several, WORDS, 0) == []
    assert first_prompts(Batch("m3w", (), 3, 1, {}, Position()), WORDS, 2) == []


def test_tokens_of_our_own_are_written_by_name() -> None:
    def decode(ids: Sequence[int]) -> str:
        return "".join(chr(token) for token in ids)

    assert written([72, 105, EOC, IMAGE, 33], WORDS, decode) == "Hi<EOC><image>!"
    assert written([IMAGE], WORDS, decode) == "<image>"
    assert written([], WORDS, decode) == ""


@pytest.fixture
def run(toy_recipe: TrainRecipe, tmp_path: Path) -> Run:
    return assemble(replace(toy_recipe, watch=WatchRecipe(1, 2, 5)), tmp_path, "cpu")[0]


def test_a_sample_is_what_generate_says(run: Run) -> None:
    ids = [0, run.words.image, 5, 6, run.words.eoc]
    frame = np.zeros((1, 32, 32, 3), np.uint8)
    frame[..., 0] = 200
    window = Window(np.asarray(ids), np.full(5, NO_LABEL), np.asarray([-1, 0, 0, 0, 0]), (0,))
    rows = place([Example(window, (frame,))] * 3, [[0], [1], [2]], 32)
    draw = Draw((Batch("ltip", (rows,), 3, 3, {}, Position()),), MixtureState(1, {}))
    before = torch.get_rng_state()
    one, two = samples_of(run, draw)
    assert torch.equal(before, torch.get_rng_state())
    assert one == two
    said = run.model.generate(
        ids[:2], torch.from_numpy(frame), torch.tensor([1]), run.words, max_tokens=5
    )
    assert (one.corpus, one.prompt, one.said) == ("ltip", "<image>", run.decode(said))
    assert one.truth == run.decode([5, 6])
    picture = Image.open(io.BytesIO(base64.b64decode(one.image)))
    assert picture.size == (32, 32)
    red, green, _ = picture.getpixel((16, 16))  # type: ignore[misc]
    assert red > 150 > 50 > green


def samples_in(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "samples.jsonl").read_text().splitlines()]


def test_a_resumed_run_has_the_samples_of_one_that_was_never_stopped(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    recipe = replace(
        toy_recipe,
        watch=WatchRecipe(every=2, samples=1, sample_tokens=4),
        run=replace(toy_recipe.run, steps=6, checkpoint_every=3),
    )
    train(recipe, toy_data, whole)
    train(replace(recipe, run=replace(recipe.run, steps=4, checkpoint_every=3)), toy_data, cut)
    (cut / "checkpoints" / "step-00000004" / "model.safetensors").write_bytes(b"")
    train(recipe, toy_data, cut, resume=True)
    assert samples_in(cut) == samples_in(whole)
    assert {sample["step"] for sample in samples_in(whole)} == {2, 4, 6}
    assert {"align", "ltip", "vtp"} <= {sample["corpus"] for sample in samples_in(whole)}
    by_corpus = [sample["truth"] for sample in samples_in(whole) if sample["corpus"] == "align"]
    assert all(truth.startswith("a ") and truth.endswith(" circle") for truth in by_corpus)
