"""What the blocks of a model are run through where gradients are made: recomputed, compiled, both.

Blocks are the language model's, the cross-attention's and the resampler's. Each keeps its name and
its hooks; only its `forward` is another. Where no gradients are made (what is looked at, generated,
evaluated) every block runs as it is: batches of other shapes are then nothing to compile for.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from model.flamingo import Flamingo

Forward = Callable[..., Any]


def compile_blocks(model: Flamingo, backend: str = "inductor") -> None:
    """Compiles what runs on whole rows: the frozen blocks, and the dense half of the trained ones.

    All passes should have one shape (`fixed` of a BatchReader): each is compiled by itself. Not
    compiled is what runs on images, whose number changes with every batch: the resampler, and
    attention to its latents.

    Args:
        model: on its device.
        backend: torch.compile's.
    """
    compiled = partial(torch.compile, backend=backend, dynamic=False)
    block: Any  # torch types the members of a list as modules alone
    for block in model.language.blocks:
        block.forward = _with_gradients(block.forward, compiled(block.forward))
    for block in model.cross_attention:
        block.densely = _with_gradients(block.densely, compiled(block.densely))


def recompute_blocks(model: Flamingo) -> None:
    """Keeps of each block what goes in and computes the rest again on the way back.

    Activation checkpointing, arXiv 1604.06174: about a third more work for memory that no longer
    grows by all a block holds. Losses and gradients are the same to the last bit; random numbers
    that a block draws are drawn alike both times.
    """
    for block in _blocks(model):
        again = partial(checkpoint, block.forward, use_reentrant=False)
        block.forward = _with_gradients(block.forward, again)


def _blocks(model: Flamingo) -> Iterator[nn.Module]:
    yield from model.language.blocks
    yield from model.cross_attention
    yield from model.resampler.attention
    yield from model.resampler.dense


def _with_gradients(plain: Forward, other: Forward) -> Forward:
    """The other way where gradients are made, the plain one where none are."""

    def forward(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - a block's own
        return (other if torch.is_grad_enabled() else plain)(*given, **named)

    return forward
