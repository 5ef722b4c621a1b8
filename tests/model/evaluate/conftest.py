"""Small Flamingos with open gates, prompts for them, and passes without a cache."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from model.evaluate.prefix import Prefix, read_prefix
from model.flamingo import Flamingo
from model.language import FrozenLanguage, load_language
from model.media_mask import previous_images
from model.recipe import TrainRecipe, VisionRecipe
from model.train import train
from model.vision import FrozenVision, load_vision
from model.windows import Vocabulary

SIZED = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3}
IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def family_of(name: str, vocabulary: int) -> transformers.PretrainedConfig:
    if name == "GPT2":
        sizes = {"vocab_size": vocabulary, "n_embd": 16, "n_head": 2, "n_layer": 3}
        return transformers.GPT2Config(**IDS, **sizes)
    ids = IDS | {"pad_token_id": 0}
    if name == "OPT":
        sizes = {"vocab_size": vocabulary, "ffn_dim": 32, "word_embed_proj_dim": 8}
        return transformers.OPTConfig(**SIZED, **ids, **sizes)
    kinds = {"Llama": transformers.LlamaConfig, "GPTNeoX": transformers.GPTNeoXConfig}
    return kinds[name](**SIZED, **ids, vocab_size=vocabulary, intermediate_size=32)


def opened(model: Flamingo) -> Flamingo:
    with torch.no_grad():
        for block in model.cross_attention:
            block.attention_gate.fill_(0.9)
            block.dense_gate.fill_(0.3)
    return model.eval()


def data_lines(senses: dict[str, tuple[str, ...]], pos: str) -> tuple[list[str], dict[str, int]]:
    """A data file's lines, one a sense, and where each begins; hypernyms are names of senses."""
    places, at, head = {}, 0, "  1 a licence\n"
    at = len(head)

    def line(name: str) -> str:
        above = senses[name]
        pointers = " ".join(f"@ {places.get(one, 0):08d} {pos} 0000" for one in above)
        words = name.partition(".")[0]
        body = f"{places.get(name, 0):08d} 03 {pos} 01 {words} 0 {len(above):03d}"
        return f"{body}{' ' if above else ''}{pointers} | what it is\n"

    for name in senses:
        places[name] = at
        at += len(line(name))
    return [head, *(line(name) for name in senses)], places


@pytest.fixture(scope="session")
def write_wordnet() -> Callable[..., Path]:
    """Writes WordNet's files: of senses `word.1`, `word.2`, each with the senses right above it."""

    def write(folder: Path, exceptions: str = "", **senses: dict[str, tuple[str, ...]]) -> Path:
        for pos, name in {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}.items():
            lines, places = data_lines(senses.get(pos, {}), pos)
            (folder / f"data.{name}").write_text("".join(lines))
            words: dict[str, list[int]] = {}
            for sense, place in places.items():
                words.setdefault(sense.partition(".")[0], []).append(place)
            index = [
                f"{word} {pos} {len(at)} 1 @ {len(at)} 0 {' '.join(f'{n:08d}' for n in at)}  \n"
                for word, at in sorted(words.items())
            ]
            (folder / f"index.{name}").write_text("".join(["  1 a licence\n", *index]))
            (folder / f"{name}.exc").write_text(exceptions if pos == "n" else "")
        return folder

    return write


@pytest.fixture(scope="session")
def animals(write_wordnet: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WordNet of some animals and acts; a bat is first an animal, then a club."""
    nouns = {
        "entity.1": (),
        "animal.1": ("entity.1",),
        "thing.1": ("entity.1",),
        "pet.1": ("entity.1",),
        "dog.1": ("animal.1", "pet.1"),
        "cat.1": ("animal.1", "pet.1"),
        "puppy.1": ("dog.1",),
        "bat.1": ("animal.1",),
        "bat.2": ("thing.1",),
        "man.1": ("animal.1",),
        "box.1": ("thing.1",),
        "island.1": (),
    }
    verbs = {"move.1": (), "run.1": ("move.1",), "walk.1": ("move.1",), "eat.1": ()}
    folder = tmp_path_factory.mktemp("wordnet")
    return write_wordnet(folder, "men man\n", n=nouns, v=verbs, a={"small.1": ()})


@pytest.fixture(scope="session")
def vision(clip_folder: Path) -> FrozenVision:
    return load_vision(VisionRecipe(f"local-dir:{clip_folder}"))


@pytest.fixture(scope="session")
def model(vision: FrozenVision, lm_folder: Path, toy_recipe: TrainRecipe) -> Flamingo:
    torch.manual_seed(0)
    return opened(Flamingo(vision, load_language(str(lm_folder))[0], toy_recipe))


@pytest.fixture(scope="session")
def words(lm_folder: Path) -> Vocabulary:
    return load_language(str(lm_folder))[2]


@pytest.fixture(scope="session")
def make_model(
    vision: FrozenVision, toy_recipe: TrainRecipe
) -> Callable[[str, int], tuple[Flamingo, Vocabulary]]:
    """A Flamingo on a random language model of some family with some words."""

    def make(name: str, vocabulary: int) -> tuple[Flamingo, Vocabulary]:
        torch.manual_seed(1)
        lm = transformers.AutoModelForCausalLM.from_config(family_of(name, vocabulary))
        for weight in lm.get_output_embeddings().parameters():
            weight.data.mul_(8)  # so that words differ in how likely they are
        made = opened(Flamingo(vision, FrozenLanguage(lm), toy_recipe))
        return made, Vocabulary(vocabulary, vocabulary + 1, None, None)

    return make


@pytest.fixture(scope="session")
def latents_of() -> Callable[[Flamingo, list[int]], torch.Tensor]:
    """Latents of images of one grey each."""

    def made(model: Flamingo, greys: list[int]) -> torch.Tensor:
        frames = [np.full((1, 32, 32, 3), grey, dtype=np.uint8) for grey in greys]
        pixels = torch.from_numpy(np.concatenate([np.zeros((0, 32, 32, 3), np.uint8), *frames]))
        with torch.no_grad():
            return model.latents(pixels, torch.ones(len(greys), dtype=torch.long))

    return made


@pytest.fixture(scope="session")
def whole_pass() -> Callable[..., torch.Tensor]:
    """Log-probabilities [L, V + 1] after each token of a prompt, without a cache."""

    def logp(
        model: Flamingo, tokens: list[int], latents: torch.Tensor, words: Vocabulary
    ) -> torch.Tensor:
        images = previous_images(np.asarray(tokens) == words.image)[None]
        logits, _ = model.read(torch.tensor([tokens]), images, latents)
        return logits[0].double().log_softmax(-1)

    return logp


@pytest.fixture
def prompt(model: Flamingo, words: Vocabulary, latents_of: Callable) -> Prefix:
    """Two images, a text after each."""
    tokens = [words.bos, words.image, 5, 6, words.eoc, words.image, 7, 8]
    return read_prefix(model, tokens, latents_of(model, [40, 200]), words)


@pytest.fixture(scope="session")
def run_folder(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of four steps on pairs, with checkpoints of the second and the last."""
    folder = tmp_path_factory.mktemp("run")
    train(toy_recipe, {"align": toy_data["align"]}, folder)
    return folder


@pytest.fixture(scope="session")
def sets_folder(tmp_path_factory: pytest.TempPathFactory, three_colours: bytes) -> Path:
    """Twelve images of one colour each and a video, as sets of every task."""
    folder = tmp_path_factory.mktemp("sets")
    colours = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
    examples: list[dict] = []
    for n in range(12):
        name = list(colours)[n % 3]
        shade = tuple(max(0, channel - 8 * n) for channel in colours[name])
        Image.new("RGB", (40, 24), shade).save(folder / f"{n}.png")
        examples.append(
            {
                "id": f"image-{n}",
                "image": f"{n}.png",
                "answers": [name] * 3 + [f"the {name}"],
                "question": "is it here",
                "candidates": [*colours, f"the {name}"],
                "relevance": [*(float(name == other) for other in colours), 0.5],
                "history": [["is it", "red"]],
            }
        )
    (folder / "colours.mp4").write_bytes(three_colours)
    video = {"video": "colours.mp4", "question": "then", "answers": ["blue"] * 4}
    memes = [
        {"image": one["image"], "text": "we see", "answers": [["yes", "no"][n % 2]]}
        for n, one in enumerate(examples)
    ]

    def write(name: str, lines: list[dict]) -> None:
        (folder / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    write("data.jsonl", examples[:5])
    write("support.jsonl", examples[4:])  # the fifth is in both
    write("video.jsonl", [video])
    write("memes.jsonl", memes[:6])
    write("shown-memes.jsonl", memes[6:])
    return folder
