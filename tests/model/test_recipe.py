from pathlib import Path

import pytest

from model.recipe import TrainRecipe, read_train_recipe
from schemas.recipe import RecipeError


def test_the_papers_recipe_is_the_default_but_for_the_models_it_names() -> None:
    paper, default = read_train_recipe("paper-3b"), TrainRecipe()
    for section in ("resampler", "cross_attention", "window", "pixels", "corpora", "optim"):
        assert getattr(paper, section) == getattr(default, section), section
    weights = [getattr(paper.corpora, name).weight for name in ("m3w", "align", "ltip", "vtp")]
    assert weights == [1.0, 0.2, 0.2, 0.03]
    assert paper.vision.side_px == 320


def test_the_demos_recipe_loads_and_changes() -> None:
    tiny = read_train_recipe("tiny", ["run.steps=7", "corpora.m3w.batch=2"])
    assert (tiny.run.steps, tiny.corpora.m3w.batch) == (7, 2)
    assert tiny.vision.model == tiny.language.model == "embedded"


def test_the_laboratorys_recipe_loads_and_its_ablations_are_overrides() -> None:
    plain = read_train_recipe("laboratory")
    assert not plain.window.shuffled_images
    assert plain.run.schedule == "accumulate"
    changes = ["window.shuffled_images=true", "run.schedule=round_robin"]
    changed = read_train_recipe("laboratory", changes)
    assert changed.window.shuffled_images
    assert changed.run.schedule == "round_robin"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("seed = 3\n[window]\np_next = 0.0\n")
    mine = read_train_recipe(str(path))
    assert (mine.seed, mine.window.p_next, mine.window.tokens) == (3, 0.0, 256)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("window.choice=sideways", r"\[window\] choice must be random or anchored, got sideways"),
        ("run.schedule=merge", r"\[run\] schedule must be accumulate or round_robin"),
        ("window.p_next=1.5", r"\[window\] p_next must be at most 1, got 1.5"),
        ("run.steps=0", r"\[run\] steps must be at least 1, got 0"),
        ("resampler.latent=1", r"\[resampler\] unknown key latent \(did you mean latents\?\)"),
    ],
)
def test_errors_name_the_key(change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_train_recipe("tiny", [change])


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(
        RecipeError,
        match=r"nonsense: no such recipe \(known: laboratory, open-flamingo-4b, paper-3b, tiny",
    ):
        read_train_recipe("nonsense")
