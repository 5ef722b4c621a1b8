"""The work of a training pass in FLOPs: that of its real tokens, images and frames, and no other.

Matrix products alone, 2 FLOPs a multiply-add, forward and backward, as torch's FlopCounterMode
counts them. Not counted is what a better layout would spare: padding of rows and videos, scores
between documents that share a row, cross-attention of tokens that look at no image, scores that a
kernel computes a second time on its way back. So `mfu` is a share of useful work (PaLM, 2204.02311,
appendix B). Scores within a document count in full, the masked half as well, as there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from model.flamingo import Flamingo
from model.language import FrozenLanguage
from model.packing import PADDING, Rows
from model.resampler import Resampler
from model.vision import FrozenVision
from model.windows import NO_LABEL

FROZEN = 2
"""Forward, and the gradient of the input; a frozen weight has none."""

TRAINED = 3
"""Forward, and the gradients of both factors: of a trained weight, or of two activations."""


@dataclass(frozen=True, slots=True)
class Costs:
    """FLOPs of a model, forward and backward.

    Attributes:
        token: of each token.
        pair: of each pair of tokens of a document, a token with itself and both ways.
        looking: more of a token that looks at an image.
        label: more of a token with a target.
        image: of each image or video.
        frame: of each of their frames.
    """

    token: int
    pair: int
    looking: int
    label: int
    image: int
    frame: int


def costs_of(model: Flamingo) -> Costs:
    """What a model's work is made of, from its shapes; the tower's is counted on one frame."""
    language, resampler = model.language, model.resampler
    latents, latents_dim = resampler.latents.shape
    looking = token = image = 0
    block: Any  # torch types the members of a list as modules alone
    for block in model.cross_attention:
        inner = block.to_q.out_features
        looking += TRAINED * (2 * _weights(block.to_q, block.to_out) + 4 * latents * inner)
        image += TRAINED * 2 * latents * _weights(block.to_kv)
        token += TRAINED * 2 * _weights(block.dense)
    frame, positions, features_dim = _frame_costs(model.vision)
    per_latent, per_feature = _resampler_costs(resampler)
    projected = 0 if isinstance(resampler.project, nn.Identity) else features_dim * latents_dim
    return Costs(
        token=token + FROZEN * 2 * sum(map(_weights, language.blocks)),
        pair=TRAINED * _score_costs(language),
        looking=looking,
        label=FROZEN * 2 * language.head.weight.numel() + TRAINED * 2 * language.dim,
        image=image + latents * (per_latent + latents * per_feature.scores),
        frame=frame
        + positions * (FROZEN * 2 * projected + per_feature.weights + latents * per_feature.scores),
    )


def flops_of(costs: Costs, rows: Rows) -> int:
    """FLOPs of rows, forward and backward."""
    width = rows.documents_BL.shape[1]
    row_B1 = np.arange(len(rows.documents_BL))[:, None]
    documents = (row_B1 * width + rows.documents_BL)[rows.documents_BL != PADDING]
    lengths = np.unique(documents, return_counts=True)[1].astype(int)
    return (
        costs.token * rows.tokens
        + costs.pair * int((lengths * lengths).sum())
        + costs.looking * int(np.count_nonzero(rows.images_BL >= 0))
        + costs.label * int(np.count_nonzero(rows.labels_BL != NO_LABEL))
        + costs.image * len(rows.frames_I)
        + costs.frame * len(rows.pixels_FHWC)
    )


def _weights(*modules: nn.Module) -> int:
    """Numbers in the matrices that a token goes through; tables are looked up, not multiplied."""
    return sum(
        parameter.numel()
        for module in modules
        for part in module.modules()
        if not isinstance(part, nn.Embedding)
        for parameter in part.parameters(recurse=False)
        if parameter.ndim == 2
    )


def _score_costs(language: FrozenLanguage) -> int:
    """Forward FLOPs of a pair of tokens in all blocks: its score, and the value it weighs."""
    config = language.lm.config.get_text_config()
    head_dim = getattr(config, "head_dim", None) or language.dim // max(1, language.heads)
    return 4 * language.heads * int(head_dim) * len(language.blocks)


@dataclass(frozen=True, slots=True)
class _FeatureCosts:
    """FLOPs of a position that the resampler's latents attend to: its own, and with each latent."""

    weights: int
    scores: int


def _resampler_costs(resampler: Resampler) -> tuple[int, _FeatureCosts]:
    """FLOPs of a latent, itself as a position included, and of a position, in all layers."""
    latent = weights = scores = 0
    attention: Any
    for attention, ffw in zip(resampler.attention, resampler.dense, strict=True):
        own = _weights(attention.to_kv)
        latent += TRAINED * 2 * (_weights(attention.to_q, attention.to_out, ffw) + own)
        weights += TRAINED * 2 * own
        scores += TRAINED * 4 * attention.to_q.out_features
    return latent, _FeatureCosts(weights, scores)


def _frame_costs(vision: FrozenVision) -> tuple[int, int, int]:
    """FLOPs of a frame in the tower, of any architecture, so counted and not derived; S and V."""
    device, side = vision.get_buffer("mean").device, vision.side_px
    black = torch.zeros(1, side, side, 3, dtype=torch.uint8, device=device)
    with _plain_attention(), FlopCounterMode(display=False) as counter:
        _, positions, dim = vision(black).shape
    return int(counter.get_total_flops()), positions, dim


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Without torch's fused layer of attention, into which its counter does not look."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
