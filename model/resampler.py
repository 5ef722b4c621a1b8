"""The Perceiver Resampler: any number of frames of features to a fixed number of latents.

Flamingo A.1.1 and figure 5. Shapes: I images or videos, F frames of all of them, T frames of
one, S positions of a frame, R latents, D width, V width of the vision features.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from model.recipe import ResamplerRecipe


class SquaredReLU(nn.Module):
    """relu(x)^2, the paper's activation in the trained parts (A.1.4; Primer, 2109.08668)."""

    def forward(self, x: Tensor) -> Tensor:
        """The activation, element by element."""
        return fn.relu(x).square()


def dense(dim: int, factor: int, activation: str) -> nn.Sequential:
    """A pre-normed feed-forward block without biases, `factor` times as wide inside.

    Args:
        dim: width.
        factor: inner width over it.
        activation: `squared_relu`, as the paper has it, or `gelu`, as OpenFlamingo.
    """
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, dim * factor, bias=False),
        SquaredReLU() if activation == "squared_relu" else nn.GELU(),
        nn.Linear(dim * factor, dim, bias=False),
    )


class PerceiverAttention(nn.Module):
    """Latents that attend to features and to one another."""

    def __init__(self, dim: int, recipe: ResamplerRecipe) -> None:
        super().__init__()
        inner = recipe.heads * recipe.head_dim
        self.heads = recipe.heads
        self.norm_features = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)

    def forward(self, features_IKD: Tensor, latents_IRD: Tensor, mask: Tensor | None) -> Tensor:
        """What attention adds to the latents; `mask` is true at features that count."""
        features_IKD = self.norm_features(features_IKD)
        latents_IRD = self.norm_latents(latents_IRD)
        q = self._split(self.to_q(latents_IRD))
        k, v = self.to_kv(torch.cat([features_IKD, latents_IRD], dim=1)).chunk(2, dim=-1)
        out = fn.scaled_dot_product_attention(q, self._split(k), self._split(v), attn_mask=mask)
        added: Tensor = self.to_out(out.transpose(1, 2).flatten(2))
        return added

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Resampler(nn.Module):
    """Frames of features to `recipe.latents` latents an image or video.

    Args:
        features_dim: V; projected to `recipe.dim` where it differs.
        recipe: depth and widths.
        frames: time embeddings to learn: the frames of a training video.

    Attributes:
        dim: D.
    """

    def __init__(self, features_dim: int, recipe: ResamplerRecipe, frames: int) -> None:
        super().__init__()
        dim = self.dim = recipe.dim or features_dim
        same = features_dim == dim
        self.project = nn.Identity() if same else nn.Linear(features_dim, dim, bias=False)
        self.latents = nn.Parameter(torch.randn(recipe.latents, dim) * 0.02)
        times = torch.randn(frames, dim) * 0.02 if recipe.time_embeddings else None
        self.time = None if times is None else nn.Parameter(times)
        self.attention = nn.ModuleList(
            PerceiverAttention(dim, recipe) for _ in range(recipe.layers)
        )
        self.dense = nn.ModuleList(
            dense(dim, recipe.ffw_factor, recipe.activation) for _ in range(recipe.layers)
        )
        self.norm = nn.LayerNorm(dim)

    def time_embeddings(self, frames: int) -> Tensor | None:
        """One embedding a frame [T, D]; longer videos get the learnt ones stretched (B.1.2)."""
        if self.time is None:
            return None
        learnt = self.time.shape[0]
        if frames <= learnt:
            return self.time[:frames]
        stretched = fn.interpolate(
            self.time.T[None], size=frames, mode="linear", align_corners=True
        )
        return stretched[0].T

    def forward(self, features_FSV: Tensor, frames_I: Tensor) -> Tensor:
        """Latents [I, R, D] of images and videos whose frames follow one another in `features`.

        Args:
            features_FSV: features of all frames, image by image.
            frames_I: how many frames each has; on the CPU.
        """
        features_ITSD, mask = self._by_image(self.project(features_FSV), frames_I)
        times_TD = self.time_embeddings(features_ITSD.shape[1])
        if times_TD is not None:
            features_ITSD = features_ITSD + times_TD.to(features_ITSD.dtype)[:, None]
        features_IKD = features_ITSD.flatten(1, 2)
        latents_IRD = self.latents.to(features_IKD.dtype).expand(len(features_IKD), -1, -1)
        for attention, ffw in zip(self.attention, self.dense, strict=True):
            latents_IRD = latents_IRD + attention(features_IKD, latents_IRD, mask)
            latents_IRD = latents_IRD + ffw(latents_IRD)
        return self.norm(latents_IRD)  # type: ignore[no-any-return]

    def _by_image(self, features_FSD: Tensor, frames_I: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features as [I, T, S, D], and a mask [I, 1, 1, K + R] where some have fewer frames."""
        longest = int(frames_I.max())
        if bool((frames_I == longest).all()):
            return features_FSD.reshape(-1, longest, *features_FSD.shape[1:]), None
        there_IT = torch.arange(longest) < frames_I[:, None]
        there_IT = there_IT.to(features_FSD.device)
        positions = features_FSD.shape[1]
        padded = features_FSD.new_zeros(len(frames_I), longest, *features_FSD.shape[1:])
        padded[there_IT] = features_FSD
        there_IK = there_IT.repeat_interleave(positions, dim=1)
        mask_IK = fn.pad(there_IK, (0, self.latents.shape[0]), value=True)
        return padded, mask_IK[:, None, None]
