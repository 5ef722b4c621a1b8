"""Trained weights to begin from: another run's, or OpenFlamingo's under its own names."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from model.checkpoint import CheckpointError
from model.flamingo import Flamingo
from model.initial import fill, load_initial
from model.language import load_language
from model.open_flamingo import convert, read_open_flamingo
from model.recipe import TrainRecipe
from model.vision import load_vision


@pytest.fixture
def model(toy_recipe: TrainRecipe) -> Flamingo:
    resampler = replace(toy_recipe.resampler, dim=0, time_embeddings=False, activation="gelu")
    recipe = replace(toy_recipe, resampler=resampler)
    torch.manual_seed(0)
    language, _, _ = load_language(recipe.language.model)
    return Flamingo(load_vision(recipe.vision), language, recipe)


def their_names(model: Flamingo, first: int) -> dict[str, Tensor]:
    """New weights for the model, as OpenFlamingo's trainer would name and save them."""
    theirs: dict[str, Tensor] = {}
    for name, parameter in model.trainable().items():
        tensor = torch.randn_like(parameter)
        part, _, rest = name.partition(".")
        if part == "resampler" and rest.startswith("attention."):
            layer, _, rest = rest.removeprefix("attention.").partition(".")
            theirs[f"perceiver.layers.{layer}.0.{rest.replace('norm_features', 'norm_media')}"] = (
                tensor
            )
        elif part == "resampler" and rest.startswith("dense."):
            layer, _, rest = rest.removeprefix("dense.").partition(".")
            theirs[f"perceiver.layers.{layer}.1.{rest}"] = tensor
        elif part == "resampler":
            theirs[f"perceiver.{rest}"] = tensor
        elif part == "cross_attention":
            block, _, rest = rest.partition(".")
            rest = rest.replace("attention_gate", "attn_gate").replace("dense_gate", "ff_gate")
            if rest.startswith("dense."):
                rest = f"ff.{rest.removeprefix('dense.')}"
            elif not rest.endswith("_gate"):
                rest = f"attn.{rest}"
            theirs[f"lang_encoder.model.layers.{2 * int(block)}.gated_cross_attn_layer.{rest}"] = (
                tensor
            )
    dim = model.language.dim
    theirs["lang_encoder.model.embed_tokens.weight"] = torch.randn(first + 3, dim)
    theirs["lang_encoder.lm_head.weight"] = torch.randn(first + 3, dim)
    return theirs


def test_every_tensor_of_open_flamingo_finds_its_place(model: Flamingo, tmp_path: Path) -> None:
    theirs = their_names(model, first=40)
    path = tmp_path / "checkpoint.pt"
    torch.save({"module." + name: tensor for name, tensor in theirs.items()}, path)
    load_initial(model, path, 40)
    ours = model.trainable()
    latents = theirs["perceiver.latents"]
    assert torch.equal(ours["resampler.latents"], latents)
    for layer, block in enumerate(model.cross_attention):
        prefix = f"lang_encoder.model.layers.{2 * layer}.gated_cross_attn_layer."
        assert torch.equal(block.to_kv.weight, theirs[prefix + "attn.to_kv.weight"])
        assert torch.equal(block.dense[3].weight, theirs[prefix + "ff.3.weight"])
        assert torch.equal(block.attention_gate, theirs[prefix + "attn_gate"])
        assert torch.equal(block.dense_gate, theirs[prefix + "ff_gate"])
    attention, dense = model.resampler.attention[0], model.resampler.dense[0]
    assert torch.equal(attention.norm_features.bias, theirs["perceiver.layers.0.0.norm_media.bias"])
    assert torch.equal(dense[1].weight, theirs["perceiver.layers.0.1.1.weight"])
    rows = next(parameter for name, parameter in ours.items() if name.endswith(".rows"))
    row = next(parameter for name, parameter in ours.items() if name.endswith(".row"))
    assert torch.equal(rows, theirs["lang_encoder.model.embed_tokens.weight"][40:42])
    assert torch.equal(row, theirs["lang_encoder.lm_head.weight"][40:41])


def test_the_list_of_blocks_counts_as_well_as_the_layers() -> None:
    names = [f"lang_encoder.gated_cross_attn_layers.{n}.attn_gate" for n in (3, 1, 11)]
    ours = convert({name: torch.tensor([float(i)]) for i, name in enumerate(names)}, 9, tied=False)
    gates = {name: float(tensor) for name, tensor in ours.items()}
    assert gates == {
        "cross_attention.0.attention_gate": 1.0,
        "cross_attention.1.attention_gate": 0.0,
        "cross_attention.2.attention_gate": 2.0,
    }


def test_a_tied_head_takes_the_row_of_the_embedding() -> None:
    table = torch.arange(24.0).reshape(12, 2)
    ours = convert({"lang_encoder.model.embed_tokens.weight": table}, 9, tied=True)
    assert torch.equal(ours["rows"], table[9:11])
    assert torch.equal(ours["row"], table[9:10])


def weights_of(model: Flamingo) -> dict[str, Tensor]:
    return {name: torch.randn_like(p) for name, p in model.trainable().items()}


@pytest.mark.parametrize("whole_folder", [True, False])
def test_a_run_begins_where_another_ended(
    model: Flamingo, tmp_path: Path, whole_folder: bool
) -> None:
    weights = weights_of(model)
    save_file(weights, str(tmp_path / "model.safetensors"))
    load_initial(model, tmp_path if whole_folder else tmp_path / "model.safetensors", 40)
    assert all(torch.equal(p, weights[name]) for name, p in model.trainable().items())


def changed(weights: Mapping[str, Tensor], how: str) -> dict[str, Tensor]:
    found = dict(weights)
    if how == "missing":
        del found["resampler.latents"]
    elif how == "stray":
        found["resampler.more"] = torch.zeros(1)
    else:
        found["resampler.latents"] = torch.zeros(1, 2)
    return found


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "there: has no resampler.latents"),
        ("stray", "there: has resampler.more, which the model has not"),
        ("shape", r"there: resampler.latents is \[1, 2\], the model's \["),
    ],
)
def test_weights_of_another_model_are_refused_before_any_is_copied(
    model: Flamingo, how: str, message: str
) -> None:
    before = {name: p.detach().clone() for name, p in model.trainable().items()}
    with pytest.raises(CheckpointError, match=message):
        fill(model.trainable(), changed(weights_of(model), how), "there")
    assert all(torch.equal(p, before[name]) for name, p in model.trainable().items())


def test_what_is_no_checkpoint_is_one_line(model: Flamingo, tmp_path: Path) -> None:
    for name, content in (("a.pt", b"nothing"), ("b.safetensors", b"nothing")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name}: cannot be read"):
            load_initial(model, tmp_path / name, 40)
    torch.save([1, 2], tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=r"c\.pt: holds no weights by name"):
        read_open_flamingo(tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=r"perceiver\.media_time_embs: no part of"):
        convert({"perceiver.media_time_embs": torch.zeros(1)}, 9, tied=False)
