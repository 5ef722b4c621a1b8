"""The page of a run: whole, harmless and without network, whatever the run has left."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from model.recipe import TrainRecipe, WatchRecipe
from model.report.command import main
from model.report.history import HistoryError, read_history
from model.report.page import SHOWN, SHOWN_CHARACTERS, page_of
from model.run_log import scalars_of
from model.train import train


class Elements(HTMLParser):
    """Elements with their attributes, and the text; fails where one is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


CHARTS = {
    "Loss by corpus",
    "Loss that is minimised",
    "Loss with images zeroed, minus the loss",
    "Loss with images shuffled, minus the loss",
    "Learning rate",
    "Gradient norm",
    "Real tokens a second",
    "Images a second",
    "Real FLOPs a second",
    "Model FLOPs utilisation",
    "Share of the time that waits for data",
    "Share of padding",
}


@pytest.fixture(scope="module")
def run(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of six steps that was looked at three times."""
    recipe = replace(
        toy_recipe,
        watch=WatchRecipe(every=2, samples=1, sample_tokens=4),
        run=replace(toy_recipe.run, steps=6, peak_flops=1e12),
    )
    folder = tmp_path_factory.mktemp("page") / "a run"
    train(recipe, toy_data, folder)
    return folder


def test_training_leaves_the_page_of_the_whole_run(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert page == page_of("a run", read_history(run))
    elements = Elements(page)
    assert {svg["aria-label"] for svg in elements.all("svg") if "role" in svg} == CHARTS
    text = " ".join(elements.text)
    assert "step 6 of 6" in text
    assert "[cross_attention]" in text  # the recipe
    assert "peak_flops = 1000000000000.0" in text
    for corpus in ("m3w", "align", "ltip", "vtp"):
        assert corpus in elements.text
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    assert len(elements.all("img")) == len(samples)
    for sample in samples:
        assert sample["truth"].strip() in elements.text


def test_the_page_asks_nothing_of_a_network(run: Path) -> None:
    page = (run / "report.html").read_text()
    elements = Elements(page)
    assert not {"script", "link", "iframe", "a", "object"} & {tag for tag, _ in elements.found}
    assert all(str(img["src"]).startswith("data:image/jpeg;base64,") for img in elements.all("img"))
    assert not re.search(r"url\(|@import", page)
    policy = next(meta for meta in elements.all("meta") if "http-equiv" in meta)
    assert str(policy["content"]).startswith("default-src 'none'")


def test_the_command_draws_a_run_that_goes_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a checkpoint yet, its last line half written."""
    going = tmp_path / "going"
    going.mkdir()
    lines = (run / "log.jsonl").read_bytes().splitlines(keepends=True)
    (going / "log.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:40])
    assert main([str(going)]) == 0
    assert capsys.readouterr().out == f"{going / 'report.html'}\n"
    elements = Elements((going / "report.html").read_text())
    assert "step 3" in elements.text
    assert "Samples" not in elements.text
    assert "Recipe" not in elements.text
    assert {path.name for path in going.iterdir()} == {"log.jsonl", "report.html"}


def test_what_a_model_says_is_text_and_nothing_else(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>\"'&\x00"
    line = {"step": 1, "loss": float("nan"), "losses": {"m3w": float("nan")}, "updated": False}
    (tmp_path / "log.jsonl").write_text(json.dumps(line) + "\n")
    sample = dict.fromkeys(("prompt", "said", "truth", "image"), nasty)
    (tmp_path / "samples.jsonl").write_text(json.dumps({"step": 1, "corpus": "m3w", **sample}))
    page = page_of("<i>", read_history(tmp_path))
    elements = Elements(page)
    assert not {"script", "i"} & {tag for tag, _ in elements.found}
    assert "<script>" not in page
    assert "<i>" in elements.text
    assert "nan" not in page


def test_of_many_samples_the_newest_are_shown(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "log.jsonl", tmp_path)
    kept = {"corpus": "vtp", "prompt": "", "said": "", "image": ""}
    lines = [json.dumps({"step": n, "truth": f"truth {n}", **kept}) for n in range(1, 40)]
    (tmp_path / "samples.jsonl").write_text("\n".join(lines))
    text = Elements(page_of("x", read_history(tmp_path))).text
    assert [t for t in text if t.startswith("truth")] == [
        f"truth {n}" for n in range(39, 39 - SHOWN, -1)
    ]


def test_of_long_texts_the_part_beside_the_image_is_shown(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "log.jsonl", tmp_path)
    far, near = "far " * 200, "near <image>"
    sample = {
        "step": 1,
        "corpus": "m3w",
        "prompt": far + near,
        "said": "",
        "truth": near + far,
        "image": "",
    }
    (tmp_path / "samples.jsonl").write_text(json.dumps(sample))
    text = Elements(page_of("x", read_history(tmp_path))).text
    prompt, truth = (part for part in text if "near" in part)
    assert prompt.startswith("… ")
    assert prompt.endswith(near)
    assert truth.startswith(near)
    assert truth.endswith(" …")
    assert len(prompt) == len(truth) == SHOWN_CHARACTERS + 2


def test_a_history_is_what_was_logged(run: Path) -> None:
    history = read_history(run)
    assert (history.lines, history.last["step"]) == (6, 6)
    assert list(history.of("loss").steps) == [1, 2, 3, 4, 5, 6]
    assert list(history.below("loss_without_images")["m3w"].steps) == [2, 4, 6]
    assert set(history.below("losses")) == {"m3w", "align", "ltip", "vtp"}
    assert not history.of("nothing").steps
    assert set(history.about["data"]) == {"m3w", "align", "ltip", "vtp"}


def test_numbers_of_a_line_by_name() -> None:
    line = {
        "step": 3,
        "losses": {"m3w": 1.5},
        "skipped": {"m3w": {"no_text": 2}},
        "updated": True,
        "x": None,
        "y": "z",
    }
    assert scalars_of(line) == {
        "step": 3.0,
        "losses/m3w": 1.5,
        "skipped/m3w/no_text": 2.0,
        "updated": 1.0,
    }


def test_a_damaged_checkpoint_is_passed_over(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    newest = copy / "checkpoints" / "step-00000006" / "state.json"
    newest.write_text("{")
    assert read_history(copy).about == read_history(run).about | {"samples": 4 * 12}


@pytest.mark.parametrize(("log", "why"), [(None, "holds no log.jsonl"), ("[1]\n", "no step in it")])
def test_a_folder_without_a_run_is_one_clear_line(
    log: str | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if log:
        (tmp_path / "log.jsonl").write_text(log)
    with pytest.raises(HistoryError, match=why):
        read_history(tmp_path)
    assert main([str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("model.report: ")
    assert why in err
    assert len(err.splitlines()) == 1


def test_a_page_that_cannot_be_written_is_one_clear_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(run / "log.jsonl", tmp_path)
    (tmp_path / "report.html.part").mkdir()
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("report.html.part: Is a directory\n")
