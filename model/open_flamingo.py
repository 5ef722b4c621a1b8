"""OpenFlamingo's trained weights under our names (mlfoundations/open_flamingo, released as .pt)."""

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from model.checkpoint import CheckpointError

_PREFIXES = ("module.", "_orig_mod.")
# A block stands in its layer, and in a list of all: the trainer saves the first of these names.
_GATED = re.compile(
    r"lang_encoder\.(?:[\w.]+\.(\d+)\.gated_cross_attn_layer|gated_cross_attn_layers\.(\d+))\.(.+)"
)
_OUTPUTS = ("embed_out.weight", "lm_head.weight")
_LAYER = r"perceiver\.layers\.(\d+)\."
_RESAMPLER = (
    (re.compile(r"perceiver\.(latents|norm\.\w+)"), r"resampler.\1"),
    (re.compile(rf"{_LAYER}0\.norm_media\."), r"resampler.attention.\1.norm_features."),
    (re.compile(rf"{_LAYER}0\."), r"resampler.attention.\1."),
    (re.compile(rf"{_LAYER}1\."), r"resampler.dense.\1."),
)
_BLOCK = (
    ("attn.", ""),
    ("ff.", "dense."),
    ("attn_gate", "attention_gate"),
    ("ff_gate", "dense_gate"),
)
_OURS = re.compile(r"cross_attention\.(\d+)\.(.+)")
_RESAMPLER_BACK = (
    (re.compile(r"resampler\.(latents|norm\.\w+)"), r"perceiver.\1"),
    (
        re.compile(r"resampler\.attention\.(\d+)\.norm_features\."),
        r"perceiver.layers.\1.0.norm_media.",
    ),
    (re.compile(r"resampler\.attention\.(\d+)\."), r"perceiver.layers.\1.0."),
    (re.compile(r"resampler\.dense\.(\d+)\."), r"perceiver.layers.\1.1."),
)


def read_open_flamingo(path: Path) -> dict[str, Tensor]:
    """The tensors of a released checkpoint or of one that its trainer wrote, by its names.

    Raises:
        CheckpointError: the file is none.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: cannot be read: {type(error).__name__}") from None
    state = found.get("model_state_dict", found) if isinstance(found, dict) else None
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise CheckpointError(f"{path}: holds no weights by name")
    return {_bare(name): tensor for name, tensor in state.items()}


def convert(state: Mapping[str, Tensor], side_first: int, *, tied: bool) -> dict[str, Tensor]:
    """OpenFlamingo's tensors by our names, for a model of its shape (recipes/open-flamingo-*).

    The embedding and the head that it saves are the language model's own but for the rows of
    `<|endofchunk|>` and `<image>`, which become our side rows; what comes after them is nobody's.

    Args:
        state: as `read_open_flamingo` gives it.
        side_first: the id of `<|endofchunk|>` in it: the number of tokens before it was added.
        tied: whether the language model's head is its embedding.

    Raises:
        CheckpointError: a tensor is of no part that we know.
    """
    gated = {name: found for name in state if (found := _GATED.fullmatch(name))}
    blocks = sorted({_number(found) for found in gated.values()})
    ours: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if found := gated.get(name):
            place = blocks.index(_number(found))
            ours[f"cross_attention.{place}.{_renamed_block(found[3])}"] = tensor
        elif name.startswith("perceiver."):
            ours[_renamed(name, _RESAMPLER)] = tensor
        elif name.startswith("lang_encoder.") and tensor.ndim == 2 and len(tensor) > side_first + 1:
            side = tensor[side_first : side_first + 2]
            if name.endswith(_OUTPUTS):
                ours["row"] = side[:1]
            else:
                ours |= {"rows": side} | ({"row": side[:1]} if tied else {})
        else:
            raise CheckpointError(f"{name}: no part of a Flamingo that is trained")
    return ours


def revert(ours: Mapping[str, Tensor], layers: str, numbers: Sequence[int]) -> dict[str, Tensor]:
    """Our tensors by OpenFlamingo's names, the side rows left out; `convert` leads back.

    Args:
        ours: of a model of its shape, by name.
        layers: name of the list of blocks in the language model, such as `model.layers`.
        numbers: in that list, of the blocks that have cross-attention before them.
    """
    theirs: dict[str, Tensor] = {}
    for name, tensor in ours.items():
        if found := _OURS.fullmatch(name):
            block = f"lang_encoder.{layers}.{numbers[int(found[1])]}.gated_cross_attn_layer"
            theirs[f"{block}.{_block_back(found[2])}"] = tensor
        elif name.startswith("resampler."):
            theirs[_renamed(name, _RESAMPLER_BACK)] = tensor
    return theirs


def _block_back(rest: str) -> str:
    named = ((theirs, ours) for theirs, ours in _BLOCK if ours and rest.startswith(ours))
    theirs, ours = next(named, ("attn.", ""))
    return theirs + rest[len(ours) :]


def _number(found: re.Match[str]) -> int:
    return int(found[1] or found[2])


def _renamed(name: str, patterns: Sequence[tuple[re.Pattern[str], str]]) -> str:
    """The name of a resampler's tensor in the other's words."""
    for pattern, other in patterns:
        if pattern.match(name):
            return pattern.sub(other, name, count=1)
    raise CheckpointError(f"{name}: no part of a Perceiver Resampler")


def _renamed_block(rest: str) -> str:
    for theirs, ours in _BLOCK:
        if rest.startswith(theirs):
            return ours + rest[len(theirs) :]
    raise CheckpointError(f"{rest}: no part of a gated cross-attention block")


def _bare(name: str) -> str:
    while name.startswith(_PREFIXES):
        name = name.partition(".")[2]
    return name.replace("_fsdp_wrapped_module.", "").replace("_checkpoint_wrapped_module.", "")
