"""Scorers of another make than open_clip's: a filter network behind `module:factory`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from model.weights.locate import ClipUnavailable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    Rows = npt.NDArray[np.float32]

_PLUGIN = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")  # not local-dir:, hf-hub:


class Scorer(Protocol):
    """What scores images against texts: `module:factory` names a function that gives one.

    The factory takes one argument, the recipe's `pretrained`, and is called once a worker. A row
    must depend on its image or text alone, to the last bit, not on what is embedded with it: rows
    are kept between builds, and a build on two workers must decide as one on one does.
    """

    @property
    def digest(self) -> str:
        """Of the weights and of whatever else decides the rows; it stands in the manifest."""

    def embed_images(self, images: Sequence[Image.Image]) -> Rows:
        """Unit float32 rows [B, D] of RGB images, in order."""

    def embed_texts(self, texts: Sequence[str]) -> Rows:
        """Unit float32 rows [B, D] of texts, in order."""


class UnusablePlugin(ClipUnavailable):
    """A plug-in that cannot be had; the message says why."""

    def __init__(self, model: str, why: str) -> None:
        Exception.__init__(self, f"scorer {model!r}: {why}")


def is_plugin(model: str) -> bool:
    """Whether a model's name is that of a plug-in: `module:factory`."""
    return _PLUGIN.fullmatch(model) is not None


def load_plugin(model: str, pretrained: str = "") -> Scorer:
    """What the factory of a plug-in gives.

    Raises:
        UnusablePlugin: there is no such module or factory, or what it gives is no Scorer.
    """
    module, _, factory = model.partition(":")
    try:
        make = getattr(importlib.import_module(module), factory)
    except ImportError as error:
        raise UnusablePlugin(model, f"{error}; the module must be importable by workers") from error
    except AttributeError:
        raise UnusablePlugin(model, f"module {module} has no {factory}") from None
    scorer: Scorer = make(pretrained)
    for name in ("digest", "embed_images", "embed_texts"):
        if not hasattr(scorer, name):
            raise UnusablePlugin(model, f"what {factory} gives has no {name}")
    return scorer
