"""A prompt that was read once, and what may follow it, any number of times.

A cache of keys and values grows when it is read from. Two continuations must not see one another,
so each goes on from a copy; the prefix itself never changes.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.flamingo import Flamingo
from model.media_mask import NO_IMAGE, previous_images
from model.windows import Vocabulary


@dataclass(frozen=True, slots=True)
class Branches:
    """Several continuations of one prompt.

    Attributes:
        cache: of what was read, a row a branch.
        seen_IRD: latents of the one image that new tokens look at; empty where there is none.
    """

    cache: Any
    seen_IRD: Tensor

    @torch.no_grad()
    def chosen(self, rows: Sequence[int]) -> "Branches":
        """A copy with the given branches, each as often as it is named."""
        cache = copy.deepcopy(self.cache)
        cache.reorder_cache(torch.tensor(rows, device=self.seen_IRD.device))
        return Branches(cache, self.seen_IRD)

    def read(self, model: Flamingo, tokens_BL: Tensor) -> tuple[Tensor, "Branches"]:
        """Log-probabilities [B, L, V + 1] after each token, and the branches with these tokens.

        It grows its own cache: whoever wants to go on from here again reads from a copy.
        """
        image = 0 if len(self.seen_IRD) else NO_IMAGE
        images_BL = np.full(tuple(tokens_BL.shape), image, dtype=np.int64)
        logits, cache = model.read(tokens_BL, images_BL, self.seen_IRD, self.cache)
        return logits.float().log_softmax(-1), Branches(cache, self.seen_IRD)


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prompt that was read.

    Attributes:
        branches: one, after the prompt.
        next_V: log-probabilities of the token after it.
    """

    branches: Branches
    next_V: Tensor


def read_prefix(
    model: Flamingo, tokens: Sequence[int], latents_IRD: Tensor, words: Vocabulary
) -> Prefix:
    """The prompt, read.

    Args:
        model: on its device.
        tokens: ids with `<image>` at each image's place.
        latents_IRD: of these images, in their order.
        words: the ids that are not text.
    """
    device = latents_IRD.device
    images_L = previous_images(np.asarray(tokens) == words.image)
    last = torch.tensor([len(tokens) - 1], device=device)
    tokens_BL = torch.tensor([list(tokens)], device=device)
    logits, cache = model.read(tokens_BL, images_L[None], latents_IRD, None, last)
    return Prefix(Branches(cache, latents_IRD[-1:]), logits[0, 0].float().log_softmax(-1))
