"""GATED XATTN-DENSE: what a frozen language block is told about the image before a token.

Flamingo 2.2 and figure 4. A token sees the latents of one image only, so its attention is over R
keys, not over all images of the row under a mask: the tokens of each image are gathered,
attended, and put back. Tokens with no image get exactly zero, for nothing is put there.
Shapes: B rows, L tokens of a row, I images, S most tokens that look at one image, R latents,
N tokens that look at any image, d width of the language model, D width of the latents.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from model.recipe import CrossAttentionRecipe
from model.resampler import dense


@dataclass(frozen=True, slots=True)
class Gaze:
    """Which tokens look at which image.

    Attributes:
        tokens_IS: for each image the flat positions (row * L + column) of its tokens; 0 in the
            slots that are left over.
        token_N: flat positions of all tokens that look at an image.
        slot_N: where each of them stands in the flattened `tokens_IS`.
    """

    tokens_IS: Tensor
    token_N: Tensor
    slot_N: Tensor


def gaze_of(images_BL: npt.NDArray[np.int64], images: int) -> Gaze:
    """The gaze of tokens whose image (or a negative number for none) is given."""
    flat = images_BL.ravel()
    tokens = np.flatnonzero(flat >= 0)
    tokens = tokens[np.argsort(flat[tokens], kind="stable")]
    owner = flat[tokens]
    counts = np.bincount(owner, minlength=images)
    width = int(counts.max(initial=0))
    starts = np.cumsum(counts) - counts
    slots = owner * width + np.arange(len(tokens)) - starts[owner]
    table = np.zeros(images * width, dtype=np.int64)
    table[slots] = tokens
    return Gaze(
        torch.from_numpy(table.reshape(images, width)),
        torch.from_numpy(tokens),
        torch.from_numpy(slots),
    )


class GatedCrossAttention(nn.Module):
    """y += tanh(a) * attention(y, latents); y += tanh(b) * dense(y); a and b start at 0."""

    def __init__(
        self, dim: int, latents_dim: int, heads: int, recipe: CrossAttentionRecipe
    ) -> None:
        super().__init__()
        inner = heads * recipe.head_dim
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(latents_dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)
        self.dense = dense(dim, recipe.ffw_factor, recipe.activation)
        self.attention_gate = nn.Parameter(torch.zeros(1))
        self.dense_gate = nn.Parameter(torch.zeros(1))

    def forward(self, y_BLd: Tensor, latents_IRD: Tensor, gaze: Gaze) -> Tensor:
        """The hidden states that go into the frozen block."""
        seen = self.attend(y_BLd, latents_IRD, gaze).to(y_BLd.dtype)
        y_BLd = y_BLd + self.attention_gate.tanh().to(y_BLd.dtype) * seen
        dense_BLd = self.dense(y_BLd).to(y_BLd.dtype)
        out_BLd: Tensor = y_BLd + self.dense_gate.tanh().to(y_BLd.dtype) * dense_BLd
        return out_BLd

    def attend(self, y_BLd: Tensor, latents_IRD: Tensor, gaze: Gaze) -> Tensor:
        """What each token sees [B, L, d], before the gate; 0 for a token with no image."""
        if not len(gaze.token_N):
            return torch.zeros_like(y_BLd)
        q = self.to_q(self.norm(y_BLd)).flatten(0, 1)
        k, v = self.to_kv(latents_IRD).chunk(2, dim=-1)
        out = fn.scaled_dot_product_attention(
            self._split(q[gaze.tokens_IS]), self._split(k), self._split(v)
        )
        out_ISe = out.transpose(1, 2).flatten(2)
        seen = torch.zeros_like(q).index_put((gaze.token_N,), out_ISe.flatten(0, 1)[gaze.slot_N])
        out_BLd: Tensor = self.to_out(seen)
        return out_BLd.view_as(y_BLd)

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)
