"""Which tokens look at which image, and attention between them: one rule in two forms.

Flamingo 2.2 and A.1.3. A token sees the latents of one image only, so its attention is over R keys
and not over all images of the row under a mask. Only tokens that look at an image are here at all.
Shapes: I images, R latents of one, N tokens that look at any image, S most tokens that look at the
same one, e = heads * size of a key.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as fn

from model.devices import on_device


@dataclass(frozen=True, slots=True)
class Gaze(ABC):
    """Tokens that look at images.

    Attributes:
        token_N: their flat positions (row * L + column), those of an image together.
    """

    token_N: Tensor

    @abstractmethod
    def attend(self, q_Ne: Tensor, k_IRe: Tensor, v_IRe: Tensor, heads: int) -> Tensor:
        """What each of the tokens sees [N, e]."""


@dataclass(frozen=True, slots=True)
class GatheredGaze(Gaze):
    """The tokens of each image are gathered, attended to it alone, and put back.

    Attributes:
        slot_N: where each token stands among the I * S slots.
        images: I.
        width: S.
    """

    slot_N: Tensor
    images: int
    width: int

    def attend(self, q_Ne: Tensor, k_IRe: Tensor, v_IRe: Tensor, heads: int) -> Tensor:
        """As in Gaze."""
        q = q_Ne.new_zeros(self.images * self.width, q_Ne.shape[1]).index_put((self.slot_N,), q_Ne)
        q_IhSc = _split(q.view(self.images, self.width, -1), heads)
        out = fn.scaled_dot_product_attention(q_IhSc, _split(k_IRe, heads), _split(v_IRe, heads))
        return out.transpose(1, 2).flatten(2).flatten(0, 1).index_select(0, self.slot_N)


@dataclass(frozen=True, slots=True)
class FlexGaze(Gaze):
    """All tokens beside all latents in one call, whose kernel passes over blocks of no concern.

    FlexAttention, arXiv 2412.05496. Tokens stand image by image, so hardly a block of keys but
    their own is read. On the CPU it has no way back (torch 2.15).

    Attributes:
        owner_N: the image of each token.
    """

    owner_N: Tensor
    _masks: dict[tuple[int, int], Any] = field(default_factory=dict, repr=False)

    def attend(self, q_Ne: Tensor, k_IRe: Tensor, v_IRe: Tensor, heads: int) -> Tensor:
        """As in Gaze."""
        q, k, v = (_split(x.reshape(1, -1, x.shape[-1]), heads) for x in (q_Ne, k_IRe, v_IRe))
        out = _flex(q.device.type)(q, k, v, block_mask=self._mask(*k_IRe.shape[:2]))
        return out.transpose(1, 2).flatten(2)[0]  # type: ignore[no-any-return]

    def _mask(self, images: int, latents: int) -> Any:  # noqa: ANN401 - torch's own type
        """From each token to the latents of its image; made for the first block that asks."""
        from torch.nn.attention.flex_attention import create_block_mask

        def own(_batch: Tensor, _head: Tensor, token: Tensor, key: Tensor) -> Tensor:
            return self.owner_N[token] == key // latents

        if (images, latents) not in self._masks:
            sizes = (None, None, len(self.owner_N), images * latents)
            mask = create_block_mask(own, *sizes, device=self.owner_N.device)
            self._masks[images, latents] = mask
        return self._masks[images, latents]


def _split(x_XYe: Tensor, heads: int) -> Tensor:
    return x_XYe.reshape(*x_XYe.shape[:2], heads, -1).transpose(1, 2)


@cache
def _flex(device: str) -> Callable[..., Any]:
    """FlexAttention as one kernel on a GPU; elsewhere as torch writes it out, for tests."""
    from torch.nn.attention.flex_attention import flex_attention

    plain: Callable[..., Any] = flex_attention
    return torch.compile(plain, dynamic=True) if device == "cuda" else plain


def gaze_of(
    images_BL: npt.NDArray[np.int64],
    images: int,
    device: torch.device | str = "cpu",
    form: str = "gathered",
) -> Gaze:
    """The gaze of tokens whose image is given.

    Args:
        images_BL: which image each token looks at; a negative number for none.
        images: I.
        device: where attention is done.
        form: `gathered`, `flex`, or `auto`: flex on a GPU, gathered everywhere else.
    """
    flat = images_BL.ravel()
    tokens = np.flatnonzero(flat >= 0)
    tokens = tokens[np.argsort(flat[tokens], kind="stable")]
    owner = flat[tokens]
    token_N = on_device(tokens, device)
    flex = form == "flex" or (form == "auto" and token_N.device.type == "cuda")
    if flex and len(tokens):
        return FlexGaze(token_N, on_device(owner, device))
    counts = np.bincount(owner, minlength=images)
    width = int(counts.max(initial=0))
    starts = np.cumsum(counts) - counts
    slots = owner * width + np.arange(len(tokens)) - starts[owner]
    return GatheredGaze(token_N, on_device(slots, device), images, width)
