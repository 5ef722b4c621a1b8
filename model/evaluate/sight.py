"""What the model sees of images and videos: each is decoded and encoded once."""

import random
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as fn

from model.evaluate.sets import SetError
from model.evaluate.subject import Subject
from model.pixels import AS_IT_IS, decode_image, decode_video
from model.recipe import PixelsRecipe
from schemas.benchmarks.items import Media
from schemas.keys import seed_of
from schemas.rejection import BadInput

FRAMES = PixelsRecipe(p_flip=0.0, colour=0.0, frames=30, fps=3.0)
"""Of a video, 30 frames at 3 a second (the paper's B.1.2), where training has 8 at 1 a second.

The resampler stretches its time embeddings over them.
"""

KEPT = 4096
"""Images and videos whose latents are kept: two support sets of the paper's size."""


class Sight:
    """The eyes of a model.

    Args:
        subject: the model.
        seed: of the moment where a long video's frames begin.
    """

    def __init__(self, subject: Subject, seed: int) -> None:
        self._subject = subject
        self._seed = seed
        self._device = subject.model.resampler.latents.device
        self._kept = lru_cache(KEPT)(self._encode)
        self._means = lru_cache(KEPT)(self._mean)

    def latents(self, media: tuple[Media, ...]) -> Tensor:
        """Latents [I, R, D] of images and videos, in order.

        Raises:
            SetError: one cannot be decoded.
        """
        nothing = torch.zeros(0, dtype=torch.long)
        return torch.cat([self._subject.model.look(nothing, nothing), *map(self._kept, media)])

    def features(self, media: tuple[Media, ...]) -> npt.NDArray[np.float32]:
        """The mean of the frozen tower's features over positions, frames and media, unit length."""
        mean_V = torch.stack([self._means(one) for one in media]).mean(0)
        unit_V: npt.NDArray[np.float32] = fn.normalize(mean_V, dim=0).numpy()
        return unit_V

    def _mean(self, media: Media) -> Tensor:
        frames = torch.from_numpy(self._frames(media)).to(self._device)
        mean_V: Tensor = self._subject.model.vision(frames).float().mean((0, 1)).cpu()
        return mean_V

    def _encode(self, media: Media) -> Tensor:
        frames = torch.from_numpy(self._frames(media))
        return self._subject.model.look(frames, torch.tensor([len(frames)]))

    def _frames(self, media: Media) -> npt.NDArray[np.uint8]:
        """Frames [T, side, side, 3]; one of an image.

        Raises:
            SetError: it cannot be read or decoded.
        """
        canvas = self._subject.canvas
        try:
            content = media.path.read_bytes()
            if not media.is_video:
                return decode_image(content, canvas, AS_IT_IS).copy()  # torch wants its own
            rng = random.Random(seed_of(self._seed, "video", media.path.name))
            is_part = media.start_s is not None and media.end_s is not None
            span_s = (media.start_s or 0.0, media.end_s or 0.0) if is_part else None
            return decode_video(content, canvas, AS_IT_IS, FRAMES, rng, span_s)
        except OSError as error:
            raise SetError(f"{media.path}: {error.strerror}") from error
        except BadInput as error:
            raise SetError(f"{media.path}: {error}") from error
