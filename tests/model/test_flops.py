"""The closed formula beside torch's own counter, which sees every matrix product of a pass."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from model.assemble import assemble
from model.flamingo import Flamingo, inputs_of
from model.flops import costs_of, flops_of
from model.language import FrozenLanguage
from model.media_mask import previous_images
from model.packing import Example, Rows, pack, place
from model.recipe import CrossAttentionRecipe, ResamplerRecipe, TrainRecipe, read_train_recipe
from model.vision import load_vision
from model.windows import NO_LABEL, Window


def counted(model: Flamingo, rows: Rows) -> float:
    """FLOPs of a pass by torch's counter, without the scores that kernels compute again.

    On its way back the fused attention does five products, the first of them for the second time.
    """
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            model(inputs_of(rows, torch.device("cpu"))).backward()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    model.zero_grad()
    kernels = counter.get_flop_counts()["Global"].items()
    return sum(
        flops * (0.8 if "dot_product" in str(name) and "backward" in str(name) else 1)
        for name, flops in kernels
    )


def example(model: Flamingo, tokens: int, images: dict[int, int]) -> Example:
    """A document with images of so many frames at some places, every token but those labelled."""
    ids = np.arange(tokens) * 7919 % model.language.eoc
    ids[list(images)] = model.language.eoc + 1
    labels = np.append(ids[1:], NO_LABEL)
    labels[labels == model.language.eoc + 1] = NO_LABEL
    looks = previous_images(ids == model.language.eoc + 1)
    side = model.vision.side_px
    frames = tuple(np.zeros((count, side, side, 3), np.uint8) for count in images.values())
    return Example(Window(ids, labels, looks, tuple(range(len(images)))), frames)


def alone(model: Flamingo, *examples: Example) -> Rows:
    """A row for each."""
    return place(examples, [[i] for i in range(len(examples))], model.vision.side_px)


@pytest.fixture(scope="module")
def tiny() -> Flamingo:
    """The demo's: embedded tower and language model."""
    return assemble(read_train_recipe("tiny"), Path("unused"), "cpu")[0].model


@pytest.mark.parametrize(
    "images",
    [{0: 1}, {0: 1, 100: 1, 200: 1}, {0: 8}, {}],
    ids=["one image", "three images", "a video", "no image"],
)
def test_the_formula_is_what_torch_counts(tiny: Flamingo, images: dict[int, int]) -> None:
    rows = alone(tiny, *[example(tiny, 256, images)] * 2)
    count = counted(tiny, rows)
    assert flops_of(costs_of(tiny), rows) == pytest.approx(count, rel=0.02)


SIZED = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 211}
IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
FAMILIES = {
    "GPT2": transformers.GPT2Config(
        n_embd=64, n_layer=3, n_head=4, vocab_size=211, bos_token_id=0, eos_token_id=1
    ),
    "GPTNeoX": transformers.GPTNeoXConfig(**SIZED, **IDS, intermediate_size=256),
    "Qwen2": transformers.Qwen2Config(**SIZED, **IDS, num_key_value_heads=2, intermediate_size=160),
    "Gemma2": transformers.Gemma2Config(
        **SIZED, **IDS, num_key_value_heads=1, intermediate_size=160, head_dim=32
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dim", [0, 48])
def test_it_holds_for_other_families_and_widths(
    family: str, dim: int, toy_recipe: TrainRecipe
) -> None:
    recipe = replace(
        toy_recipe,
        resampler=ResamplerRecipe(layers=2, dim=dim, heads=2, head_dim=16, latents=8),
        cross_attention=CrossAttentionRecipe(every=2, first=1, head_dim=24),
    )
    lm = transformers.AutoModelForCausalLM.from_config(FAMILIES[family])
    model = Flamingo(load_vision(recipe.vision), FrozenLanguage(lm), recipe)
    rows = alone(model, example(model, 96, {0: 1, 50: 1}))
    assert flops_of(costs_of(model), rows) == pytest.approx(counted(model, rows), rel=0.02)


def test_padding_and_packing_cost_nothing(tiny: Flamingo) -> None:
    """The same documents one by one, beside one another with padding, and in one row."""
    costs = costs_of(tiny)
    examples = [example(tiny, 200, {0: 1}), example(tiny, 40, {0: 3})]
    one_by_one = sum(flops_of(costs, alone(tiny, one)) for one in examples)
    padded = alone(tiny, *examples)
    packed = place(examples, pack([200, 40], 256), tiny.vision.side_px)
    assert flops_of(costs, padded) == flops_of(costs, packed) == one_by_one
    assert one_by_one < counted(tiny, padded)


def test_the_towers_part_is_that_of_a_vit(toy_recipe: TrainRecipe) -> None:
    """2 FLOPs a weight and position, and the scores, as any account of a transformer has it."""
    model = assemble(toy_recipe, Path("unused"), "cpu")[0].model
    visual = model.vision.visual
    blocks = visual.transformer.resblocks
    width, patch = visual.conv1.out_channels, visual.conv1.kernel_size[0]
    patches = (model.vision.side_px // patch) ** 2
    matrices = sum(p.numel() for p in blocks.parameters() if p.ndim == 2)
    tower = 2 * matrices * (patches + 1) + 4 * (patches + 1) ** 2 * width * len(blocks)
    tower += 2 * patches * visual.conv1.weight.numel()
    latents, dim = model.resampler.latents.shape
    inner = model.resampler.attention[0].to_q.out_features
    features = 3 * (2 * 2 * dim * inner + 4 * latents * inner) + 2 * 2 * model.vision.dim * dim
    assert costs_of(model).frame == tower + patches * features
