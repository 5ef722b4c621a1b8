"""What is exported and loaded again is the model of the run, to the last bit."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import model
from model.checkpoint import CheckpointError
from model.evaluate.prefix import read_prefix
from model.evaluate.search import say_best
from model.evaluate.subject import Subject, load_subject
from model.export.command import main
from model.export.speaker import Speaker
from model.media_mask import previous_images
from model.pixels import AS_IT_IS, decode_image
from model.recipe import TrainRecipe
from schemas.recipe import RecipeError, recipe_of


@pytest.fixture(scope="module")
def subject(exported_run: Path) -> Subject:
    return load_subject(exported_run, "cpu")


@pytest.fixture(scope="module", params=["names", "whole"])
def speaker(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Speaker:
    return model.load(folders[request.param])


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (40, 24)) -> Image.Image:
    return Image.new("RGB", size, colour)


RED, BLUE = picture((220, 30, 30)), picture((30, 30, 220), (24, 40))


def logits(of: Subject | Speaker, tokens: list[int], pixels: np.ndarray) -> torch.Tensor:
    latents = of.model.look(torch.from_numpy(pixels), torch.ones(len(pixels), dtype=torch.long))
    images = previous_images(np.asarray(tokens) == of.words.image)[None]
    found, _ = of.model.read(torch.tensor([tokens]), images, latents)
    return found


def test_logits_are_those_of_the_run_to_the_last_bit(subject: Subject, speaker: Speaker) -> None:
    words = subject.words
    assert speaker.words == words
    assert speaker.canvas == subject.canvas
    text = subject.encode("a red circle")
    assert speaker.encode("a red circle") == text
    tokens = [words.bos, words.image, *text, words.eoc, words.image, *text]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    assert torch.equal(logits(speaker, tokens, pixels), logits(subject, tokens, pixels))


def test_it_says_what_the_run_says(subject: Subject, speaker: Speaker, tmp_path: Path) -> None:
    """By the run: bytes of a file, its prompt spelled out."""
    words = subject.words
    frames = []
    for n, image in enumerate((RED, BLUE)):
        image.save(tmp_path / f"{n}.png")
        content = (tmp_path / f"{n}.png").read_bytes()
        frames.append(decode_image(content, subject.canvas, AS_IT_IS))
    latents = subject.model.look(torch.from_numpy(np.concatenate(frames)), torch.tensor([1, 1]))
    shown, asked = subject.encode("a red circle"), subject.encode("we see")
    tokens = [words.bos, words.image, *shown, words.eoc, words.image, *asked]
    prefix = read_prefix(subject.model, tokens, latents, words)
    said = say_best(subject.model, prefix, words, 3, 8)
    assert len(said.tokens) == 8
    parts = [RED, "a red circle", BLUE, "we see"]
    assert speaker.generate(parts, max_tokens=8) == subject.decode(said.tokens)


def test_a_caption_and_an_answer_are_prompts(speaker: Speaker) -> None:
    assert speaker.caption(RED, 5) == speaker.generate([RED], 5)
    asked = "Question: is it red? Answer:"
    assert speaker.answer(RED, "is it red?", 5) == speaker.generate([RED, asked], 5)
    assert speaker.generate(["we see"], 5, beams=1)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([], "nothing to go on from"),
        ([3], "parts: int is neither text nor PIL image"),
        (["a " * 124], r"parts: 125 tokens and an answer of 5: the language model takes 128"),
    ],
)
def test_what_cannot_be_asked_is_one_line(parts: list, why: str, speaker: Speaker) -> None:
    with pytest.raises(ValueError, match=why):
        speaker.generate(parts, 5)


def test_the_folder_with_frozen_models_needs_nothing_else(
    folders: dict[str, Path], tmp_path: Path, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shutil.copytree(folders["whole"], tmp_path / "moved")
    config = json.loads((moved / "config.json").read_text())
    config["recipe"]["vision"]["model"] = "local-dir:/not/there"
    config["recipe"]["language"]["model"] = "/not/there"
    (moved / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    assert model.load("moved").caption(BLUE, 6) == speaker.caption(BLUE, 6)


def test_the_tower_keeps_the_side_that_the_recipe_gives_it(
    toy_recipe: TrainRecipe, tmp_path: Path
) -> None:
    """Position embeddings are stretched once, not twice."""
    from dataclasses import replace

    from model.export.frozen import save_vision
    from model.vision import load_vision

    recipe = replace(toy_recipe.vision, side_px=48)
    save_vision(recipe, tmp_path / "vision")
    there = replace(recipe, model=f"local-dir:{tmp_path / 'vision'}")
    frames = torch.arange(48 * 48 * 3).reshape(1, 48, 48, 3).to(torch.uint8)
    assert torch.equal(load_vision(there)(frames), load_vision(recipe)(frames))
    assert load_vision(replace(there, side_px=0)).side_px == 48


def test_the_card_tells_of_data_figures_and_recipe(
    folders: dict[str, Path], toy_recipe: TrainRecipe, exported_run: Path
) -> None:
    card = (folders["names"] / "README.md").read_text()
    assert "| m3w | 16 | 12 | none |" in card
    lines = [json.loads(line) for line in (exported_run / "log.jsonl").read_text().splitlines()]
    mean = sum(line["losses"]["align"] for line in lines) / 4
    assert f"| align | {mean:.3f} | {mean:.3f} |" in card
    assert f"4 steps, {sum(line['tokens'] for line in lines):,} tokens" in card
    toml = card.partition("```toml\n")[2].partition("```")[0]
    assert recipe_of(TrainRecipe, tomllib.loads(toml), "card") == toy_recipe
    assert "What it is not for" in card
    assert "not in this folder" in card
    assert "lie in `vision/`" in (folders["whole"] / "README.md").read_text()


def test_its_files_are_those_that_others_read(folders: dict[str, Path], subject: Subject) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights = load_file(folders["names"] / "model.safetensors")
    assert weights.keys() == subject.model.trainable().keys()
    tokenizer = AutoTokenizer.from_pretrained(folders["whole"])
    assert tokenizer("a red circle").input_ids == subject.encode("a red circle")
    lm = AutoModelForCausalLM.from_pretrained(folders["whole"] / "language")
    tokens = torch.tensor([subject.encode("a red circle")])
    with torch.no_grad():
        plain, ours = lm(tokens).logits, subject.model.language(tokens)
    assert torch.equal(plain, ours[..., :-1])


def changed(folder: Path, to: Path, change: str) -> Path:
    copy = shutil.copytree(folder, to)
    config = json.loads((copy / "config.json").read_text())
    if change == "format":
        config["format"] = "open-m3w-model/9"
    elif change == "recipe":
        config["recipe"] = {"sed": 1}
    elif change in ("vision", "language"):
        config[change]["sha256"] = "0" * 64
    elif change == "weights":
        path = copy / "model.safetensors"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    elif change == "cut":
        (copy / "model.safetensors").write_bytes(b"half of it")
    (copy / "config.json").write_text("{" if change == "config" else json.dumps(config))
    return copy


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("config", "no exported model: config.json"),
        ("format", "format open-m3w-model/9 .* expected open-m3w-model/1"),
        ("recipe", "unknown key sed"),
        ("vision", "the vision model local-dir:.* is not the one that it was trained on"),
        ("language", "the language model .* is not the one that it was trained on"),
        ("weights", "model.safetensors is not as it was written"),
        ("cut", "model.safetensors: cannot be read"),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_told(
    change: str, why: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=why):
        model.load(changed(folders["names"], tmp_path / "copy", change))


def test_a_language_model_that_is_gone_is_told(folders: dict[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(folders["names"], tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["recipe"]["language"]["model"] = str(tmp_path / "gone")
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(RecipeError, match=r"\[language\] model = .*gone: not to be had"):
        model.load(copy)


def test_the_command_says_what_it_wrote(
    exported_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(["--run", str(exported_run), "--output", str(output)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["output"] == str(output)
    assert told["checkpoint"].endswith("step-00000004")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--output", "."], 2, "--output . is there already: give another"),
        (["--output", "no/where"], 2, "no is no folder that can be written to"),
        (["--output", "x.pt", "--format", "open-flamingo", "--with-frozen"], 2, "--with-frozen: "),
        (["--output", "x", "--run", "nothing"], 1, "nothing: holds no checkpoint"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str],
    status: int,
    why: str,
    exported_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--run", str(exported_run), *arguments]) == status
    told = capsys.readouterr().err
    assert told.startswith("model.export: ")
    assert why in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())
