"""Our Flamingo beside open_flamingo 2.0.1: equal answers from equal weights, and the work of each.

    python tests/benchmarks/vs_open_flamingo.py [--pages 60] [--data m3w='OUT/m3w/*.tar' ...]

Parity: one padded batch through their model, the same documents packed and unpadded through ours, on
the weights of theirs, fp32 on the CPU. Work: floating-point operations of forward and backward,
counted on meta tensors by torch's FlopCounterMode, of theirs as its trainer feeds it (rows of 256
tokens with six image slots, pairs of 32 tokens) and of ours, on the same documents of a made-up web.
The peer runs in a venv that this script makes, which shares this one's torch and transformers.
"""

import argparse
import json
import os
import random
import site
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from model.batches import Batch, BatchReader, Drawing
from model.export.open_flamingo import check_shape, state_of
from model.flamingo import Flamingo, inputs_of
from model.initial import fill
from model.language import FrozenLanguage, encoder_of, load_language
from model.open_flamingo import convert
from model.packing import Example, Rows, pack, place
from model.pixels import Canvas
from model.reader import Position
from model.recipe import CorpusRecipe, TrainRecipe, read_train_recipe
from model.vision import FrozenVision
from model.windows import NO_LABEL, Vocabulary, Window, page_of, page_window

HERE = Path(__file__).resolve().parent
PEER = ("open-flamingo==2.0.1", "einops==0.8.2", "einops-exts==0.0.4")
SLOTS = 6
"""Image slots of a row in open_flamingo's trainer (train/data.py, MAX_NUM_IMAGES)."""
M3W_TOKENS, PAIR_TOKENS = 256, 32
"""Lengths that open_flamingo's trainer pads interleaved rows and pairs to (train/data.py)."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a model: a Llama, an open_clip tower, a block before every so many layers."""

    name: str
    language: dict[str, int]
    vision: str
    every: int

    @property
    def eoc(self) -> int:
        """The id of `<EOC>`; that of `<image>` is the next and last one."""
        return self.language["vocab_size"] - 2

    @property
    def told(self) -> dict[str, Any]:
        """The shape as the peer's script takes it."""
        return {
            "language": self.language,
            "vision": self.vision,
            "every": self.every,
            "eoc": self.eoc,
            "image": self.eoc + 1,
        }


PARITY = Shape(
    "parity",
    {
        "vocab_size": 514, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    },
    "ViT-B-32",
    2,
)  # fmt: skip
SMALL = Shape(
    "small: SmolLM2-135M, ViT-B/32, every 3rd",
    {
        "vocab_size": 49154, "hidden_size": 576, "intermediate_size": 1536,
        "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
    },
    "ViT-B-32",
    3,
)  # fmt: skip
LARGE = Shape(
    "3B: 24 layers of 2048, ViT-L/14, every one",
    {
        "vocab_size": 50282, "hidden_size": 2048, "intermediate_size": 5504,
        "num_hidden_layers": 24, "num_attention_heads": 16, "num_key_value_heads": 16,
    },
    "ViT-L-14",
    1,
)  # fmt: skip


def recipe_of(shape: Shape) -> TrainRecipe:
    """The recipe of OpenFlamingo's shape with a block before every n-th layer."""
    recipe = read_train_recipe("open-flamingo-4b")
    blocks = replace(recipe.cross_attention, every=shape.every, first=shape.every - 1)
    return replace(recipe, cross_attention=blocks)


def our_model(shape: Shape) -> Flamingo:
    """Our Flamingo of a shape, with new weights, on torch's default device."""
    words = {**shape.language, "vocab_size": shape.eoc}
    language = FrozenLanguage(LlamaForCausalLM(LlamaConfig(**words)))
    where = str(torch.get_default_device())
    clip = open_clip.create_model(shape.vision, pretrained=None, device=where)
    return Flamingo(FrozenVision(clip.visual, 224), language, recipe_of(shape))


def peer_python() -> str:
    """The Python of a venv with the peer, beside this environment's packages."""
    folder = (
        Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "open-m3w/open_flamingo"
    )
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *PEER], check=True
        )
        own = next(folder.glob("lib/python*/site-packages"))
        (own / "shared.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return str(python)


def run_peer(python: str, task: str, source: Path, target: Path) -> None:
    """One task of peer_open_flamingo.py."""
    command = [python, str(HERE / "peer_open_flamingo.py"), task, str(source), str(target)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


# Parity --------------------------------------------------------------------------------------


def documents(shape: Shape, count: int, rng: random.Random) -> list[Example]:
    """Windows of random pages with random pictures, of many lengths, one to four images each."""
    words = Vocabulary(shape.eoc, shape.eoc + 1, 1, 2)
    limits = replace(recipe_of(shape).window, tokens=96)
    examples = []
    while len(examples) < count:
        parts: list[str | int] = []
        for image in range(rng.randint(1, 4)):
            texts = [" ".join(str(rng.randint(3, 500)) for _ in range(rng.randint(2, 20)))]
            parts += [*texts, image] if rng.random() < 0.5 else [image, *texts]
        page = page_of(parts, lambda text: [int(word) for word in text.split()], words)
        window = page_window(page, limits, words, rng)
        frames = tuple(
            np.frombuffer(rng.randbytes(224 * 224 * 3), np.uint8).reshape(1, 224, 224, 3)
            for _ in window.images
        )
        examples.append(Example(window, frames))
    return examples


def padded(
    examples: Sequence[Example],
    mean_rgb: Sequence[float],
    std_rgb: Sequence[float],
    longest: int,
    slots: int,
) -> dict[str, Any]:
    """The examples as open_flamingo takes them: padded on the right, image slots padded by zeros."""
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, NO_LABEL)
    pixels = torch.zeros(len(examples), slots, 1, 3, 224, 224)
    mean, std = (torch.tensor(colour)[:, None, None] for colour in (mean_rgb, std_rgb))
    for row, example in enumerate(examples):
        window: Window = example.window
        size = len(window.tokens_L)
        ids[row, :size], mask[row, :size] = torch.from_numpy(window.tokens_L), 1
        labels[row, :size] = torch.from_numpy(window.labels_L)
        for slot, frames in enumerate(example.frames):
            image = torch.from_numpy(frames[0].copy()).permute(2, 0, 1).float() / 255
            pixels[row, slot, 0] = (image - mean) / std
    return {"vision_x": pixels, "lang_x": ids, "attention_mask": mask, "targets": labels}


def parity(python: str, folder: Path) -> None:
    """Prints how far our answers are from theirs."""
    torch.manual_seed(0)
    model = our_model(PARITY)
    examples = documents(PARITY, 6, random.Random(0))
    longest = max(len(example.window.tokens_L) for example in examples)
    slots = max(1, *(len(example.frames) for example in examples))
    std = model.vision.get_buffer("std").flatten().tolist()
    batch = padded(examples, model.vision.mean_rgb, std, longest, slots)
    shape = PARITY.told
    torch.save({"shape": shape, **batch}, folder / "in.pt")
    run_peer(python, "logits", folder / "in.pt", folder / "out.pt")
    theirs = torch.load(folder / "out.pt")
    adopt(model, theirs)
    lengths = [len(example.window.tokens_L) for example in examples]
    rows = place(examples, pack(lengths, 256), 224)
    apart = place(examples, [[item] for item in range(len(examples))], 224)
    logits = logits_of(model, apart)
    real = batch["attention_mask"].bool()
    expected = theirs["logits"][..., : PARITY.eoc + 1]
    print("| parity with open_flamingo, fp32 | largest difference |\n|---|---|")
    print(f"| logits (their spread is {expected[real].std():.2g}) | "
          f"{(logits - expected)[real].abs().max():.1e} |")  # fmt: skip
    labels = int((batch["targets"] != NO_LABEL).sum())
    for parameter in model.trainable().values():
        parameter.grad = None
    loss = model(inputs_of(rows, torch.device("cpu"))) / labels
    loss.backward()
    print(f"| loss a token, ours packed, relative | "
          f"{abs(float(loss.detach() - theirs['loss'])) / float(theirs['loss']):.1e} |")  # fmt: skip
    worst, where = gradient_difference(model, theirs["gradients"])
    print(f"| gradients, ours packed, relative to each tensor's norm | {worst:.1e} ({where}) |")
    print(f"| logits of our weights exported to it and loaded there | "
          f"{exported_difference(python, folder, model, apart):.1e} |")  # fmt: skip
    print(f"\n{len(examples)} documents, {rows.tokens} tokens, {len(rows.frames_I)} images; "
          f"{apart.tokens_BL.size} places padded, {rows.tokens_BL.size} packed\n")  # fmt: skip


@torch.no_grad()
def exported_difference(python: str, folder: Path, model: Flamingo, apart: Rows) -> float:
    """How far their logits are from ours when they load weights that we trained and exported."""
    random_numbers = torch.Generator().manual_seed(1)
    for parameter in model.trainable().values():
        parameter += 0.02 * torch.randn(parameter.shape, generator=random_numbers)
    recipe = recipe_of(PARITY)
    check_shape(recipe, model)
    given = torch.load(folder / "in.pt")
    given["checkpoint"] = state_of(model, recipe, PARITY.eoc, 0)
    torch.save(given, folder / "exported.pt")
    run_peer(python, "logits", folder / "exported.pt", folder / "loaded.pt")
    theirs = torch.load(folder / "loaded.pt")
    assert not theirs["unknown"], theirs["unknown"]
    real = given["attention_mask"].bool()
    difference = logits_of(model, apart) - theirs["logits"][..., : PARITY.eoc + 1]
    return float(difference[real].abs().max())


def adopt(model: Flamingo, theirs: dict[str, Any]) -> None:
    """Gives our model the weights of theirs."""
    model.vision.visual.load_state_dict(theirs["clip"])
    language, eoc = theirs["language"], PARITY.eoc
    plain = LlamaForCausalLM(LlamaConfig(**{**PARITY.language, "vocab_size": eoc}))
    cut = {n: t[:eoc] if n.endswith(("embed_tokens.weight", "lm_head.weight")) else t
           for n, t in language.items()}  # fmt: skip
    plain.load_state_dict(cut)
    model.language.load_state_dict(FrozenLanguage(plain).state_dict())
    weights = convert(theirs["trained"], eoc, tied=False)
    weights["row"] = language["lm_head.weight"][eoc : eoc + 1]
    fill(model.trainable(), weights, "open_flamingo")


@torch.no_grad()
def logits_of(model: Flamingo, rows: Rows) -> torch.Tensor:
    """Our logits of rows that hold one document each [B, L, V + 1]."""
    inputs = inputs_of(rows, torch.device("cpu"))
    with model._seeing(model.latents(inputs.pixels_FHWC, inputs.frames_I), inputs.gaze):
        return model.language(inputs.tokens_BL)


def gradient_difference(model: Flamingo, gradients: dict[str, torch.Tensor]) -> tuple[float, str]:
    """The largest relative difference of a trained tensor's gradient, and the tensor."""
    expected = convert(gradients, PARITY.eoc, tied=False)
    found = {n: p.grad for n, p in model.trainable().items()}
    rows = next(name for name in found if name.endswith(".rows"))
    expected[rows] = expected.pop("rows")
    return max(
        (float((found[n] - g).norm() / g.norm().clamp(min=1e-12)), n) for n, g in expected.items()
    )


# Work ----------------------------------------------------------------------------------------


def batches(data: dict[str, str], count: int) -> dict[str, Batch]:
    """A batch of each corpus, as our trainer packs it."""
    _, tokenizer, words = load_language("embedded")
    recipe = read_train_recipe("paper-3b", ["pixels.fit=crop"])
    canvas = Canvas(224, (0.5, 0.5, 0.5), crops=True)
    drawing = Drawing(recipe.window, recipe.pixels, canvas, encoder_of(tokenizer), words, 0)
    found = {}
    for name, pattern in data.items():
        tokens = M3W_TOKENS if name == "m3w" else PAIR_TOKENS
        reader = BatchReader(name, pattern, CorpusRecipe(count, 1.0, tokens), drawing)
        found[name] = reader.batch_at(Position())
        reader.close()
    return found


def our_flops(model: Flamingo, batch: Batch) -> int:
    """Operations of forward and backward of a batch."""
    total = 0
    for rows in batch.passes:
        meta = torch.device("meta")
        # Documents are told apart even where a row holds one: without a mask of four dimensions
        # transformers would look into the positions, and there is no data to see.
        inputs = replace(
            inputs_of(rows, meta),
            documents_BL=torch.from_numpy(rows.documents_BL).to(meta),
            positions_BL=torch.from_numpy(rows.positions_BL).to(meta),
        )
        with FlopCounterMode(display=False) as counter:
            model(inputs).backward()
        total += counter.get_total_flops()
    return total


def work(python: str, folder: Path, data: dict[str, str], count: int) -> None:
    """Prints the work of each for the same documents."""
    found = batches(data, count)
    print("| shape, corpus | theirs, GFLOP | ours | ratio | images | tokens, padding of ours |")
    print("|---|---|---|---|---|---|")
    for shape in (SMALL, LARGE):
        padded_batches = [
            {
                "rows": batch.samples,
                "tokens": M3W_TOKENS if name == "m3w" else PAIR_TOKENS,
                "images": SLOTS if name == "m3w" else 1,
            }
            for name, batch in found.items()
        ]
        asked = {
            "shape": shape.told,
            "side_px": 224,
            "batches": padded_batches,
        }  # fmt: skip
        (folder / "shapes.json").write_text(json.dumps(asked))
        run_peer(python, "flops", folder / "shapes.json", folder / "flops.json")
        theirs = json.loads((folder / "flops.json").read_text())
        with torch.device("meta"):
            model = our_model(shape)
        for (name, batch), total in zip(found.items(), theirs, strict=True):
            own = our_flops(model, batch)
            tokens = sum(rows.tokens for rows in batch.passes)
            places = sum(rows.tokens_BL.size for rows in batch.passes)
            images = sum(len(rows.frames_I) for rows in batch.passes)
            print(
                f"| {shape.name}; {name} | {total / 1e9 / batch.samples:.0f} | "
                f"{own / 1e9 / batch.samples:.0f} | **{total / own:.2f}** | "
                f"{images / batch.samples:.1f} | {tokens / batch.samples:.0f}, "
                f"{1 - tokens / places:.0%} |"
            )


def made_up_data(folder: Path, pages: int) -> dict[str, str]:
    """Shards of a made-up web."""
    web, out = folder / "web", folder / "out"
    for command in (
        ["pipeline.sample_web", "--output", str(web), "--pages", str(pages), "--seed", "4"],
        ["pipeline.build", "--recipe", "tiny", "--input", f"{web}/web.warc.gz", "--offline",
         "--output", str(out)],
    ):  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", *command], check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return {name: f"{out}/{name}/*.tar" for name in ("m3w", "align")}


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--samples", type=int, default=32, help="documents of each corpus")
    parser.add_argument("--data", action="append", default=[], metavar="CORPUS=GLOB")
    options = parser.parse_args()
    python = peer_python()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parity(python, folder)
        data = dict(item.split("=", 1) for item in options.data)
        work(python, folder, data or made_up_data(folder, options.pages), options.samples)


if __name__ == "__main__":
    main()
