"""GATED XATTN-DENSE: what a frozen language block is told about the image before a token.

Flamingo 2.2 and figure 4. Tokens with no image get exactly zero, for nothing is put there.
Shapes: B rows, L tokens of a row, I images, R latents, N tokens that look at any image, d width of
the language model, D width of the latents.
"""

import torch
from torch import Tensor, nn

from model.gaze import Gaze
from model.recipe import CrossAttentionRecipe
from model.resampler import dense


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
        out_BLd: Tensor = self.densely(y_BLd + self.attention_gate.tanh().to(y_BLd.dtype) * seen)
        return out_BLd

    def densely(self, y_BLd: Tensor) -> Tensor:
        """The half of the block that treats all tokens alike, whatever they look at."""
        dense_BLd = self.dense(y_BLd).to(y_BLd.dtype)
        out_BLd: Tensor = y_BLd + self.dense_gate.tanh().to(y_BLd.dtype) * dense_BLd
        return out_BLd

    def attend(self, y_BLd: Tensor, latents_IRD: Tensor, gaze: Gaze) -> Tensor:
        """What each token sees [B, L, d], before the gate; 0 for a token with no image."""
        if not len(gaze.token_N):
            # Latents that are not looked at have a gradient of 0: ranks that share out a model
            # must all go back through it.
            return torch.zeros_like(y_BLd) + 0 * latents_IRD.sum().to(y_BLd.dtype)
        q_Ne = self.to_q(self.norm(y_BLd.flatten(0, 1).index_select(0, gaze.token_N)))
        k_IRe, v_IRe = self.to_kv(latents_IRD).chunk(2, dim=-1)
        seen_Nd = self.to_out(gaze.attend(q_Ne, k_IRe, v_IRe, self.heads))
        nothing = seen_Nd.new_zeros(y_BLd.shape).flatten(0, 1)
        out_BLd: Tensor = nothing.index_put((gaze.token_N,), seen_Nd).view_as(y_BLd)
        return out_BLd
