"""How CLIP's towers are computed with: as open_clip does, compiled, or in bfloat16.

Never by autocast, which turns weights at every call. What is not open_clip's own arithmetic is held
against it when a model is loaded: some models lose more in bfloat16 than a score can bear.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from model.weights.locate import ClipUnavailable

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP
    from PIL import Image

    from model.clip import ClipEncoder

COMPUTES = ("float32", "compiled", "bfloat16")
LEAST_COSINE = 0.999
"""Of a row with the one that open_clip's own arithmetic gives."""

_TEXTS = (
    "a dog runs over the grass",
    "two people sit on a bench in the park and talk",
    "A red bus waits at the corner of a busy street while a man crosses with his bicycle.",
    "page 4",
)
_PICTURES = 4


class UnfitCompute(ClipUnavailable):
    """A CLIP cannot be computed with as asked; the message says why."""

    def __init__(self, encoder: ClipEncoder, why: str) -> None:
        Exception.__init__(self, f'CLIP {encoder.name!r}: compute = "{encoder.compute}" {why}')


def prepare(
    model: CLIP, compute: str, device: str
) -> tuple[CLIP, Callable[[torch.Tensor], torch.Tensor]]:
    """A model to embed texts by, and what makes unit rows [B, D] of pixels [B, 3, H, W].

    Args:
        model: of open_clip, in evaluation mode; it stays as it is but for the order in which the
            weights of convolutions lie: channels last, for which a CPU has the faster kernels.
        compute: one of COMPUTES.
        device: where the model is.
    """
    import torch

    if compute == "float32":
        model = model.to(memory_format=torch.channels_last)
        return model, lambda pixels: _unit_rows(
            model, pixels.contiguous(memory_format=torch.channels_last)
        )
    if compute == "compiled":
        return model, _compiled(model)
    low = copy.deepcopy(model).to(torch.bfloat16)
    encode = _compiled(low) if device != "cpu" else lambda pixels: _unit_rows(low, pixels)
    return low, lambda pixels: encode(pixels.to(torch.bfloat16))


def _unit_rows(model: CLIP, pixels: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.as_tensor(model.encode_image(pixels, normalize=True))


def _compiled(model: CLIP) -> Callable[[torch.Tensor], torch.Tensor]:
    """The image tower by Inductor, its weights as constants: batch norms go into convolutions."""
    import torch

    compiled: Callable[[torch.Tensor], torch.Tensor] = torch.compile(
        lambda pixels: _unit_rows(model, pixels), dynamic=False, options={"freezing": True}
    )
    return compiled


def require_close(encoder: ClipEncoder, plain: ClipEncoder) -> None:
    """Refuses an encoder whose rows are not those of open_clip's own arithmetic.

    Raises:
        UnfitCompute: a cosine is below LEAST_COSINE, or what is needed to compile is missing.
    """
    pictures = probe_pictures()
    try:
        rows = encoder.embed_images(pictures), encoder.embed_texts(_TEXTS)
    except RuntimeError as error:  # Inductor's errors are; without a C++ compiler, say
        why = str(error).strip().splitlines()[0]
        raise UnfitCompute(encoder, f"does not run here: {why}") from error
    own = plain.embed_images(pictures), plain.embed_texts(_TEXTS)
    least = min(float((a * b).sum(axis=1).min()) for a, b in zip(rows, own, strict=True))
    if least < LEAST_COSINE:
        raise UnfitCompute(
            encoder,
            f"moves its embeddings: cosine {least:.4f} with those in float32, at least "
            f"{LEAST_COSINE} is asked for",
        )


def probe_pictures() -> list[Image.Image]:
    """Pictures with shapes of all sizes, the same each time."""
    import numpy as np
    import PIL.Image

    draw = np.random.default_rng(0)
    pictures = []
    for _ in range(_PICTURES):
        layers = [
            PIL.Image.fromarray(draw.integers(0, 256, (side, side, 3), np.uint8)).resize(
                (256, 256), PIL.Image.Resampling.BICUBIC
            )
            for side in (4, 16, 64)
        ]
        mixed = sum(
            weight * np.asarray(layer, np.float32)
            for weight, layer in zip((0.6, 0.3, 0.1), layers, strict=True)
        )
        pictures.append(PIL.Image.fromarray(np.asarray(mixed, np.uint8)))
    return pictures
