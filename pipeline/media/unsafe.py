"""Unsafe images: who scores them, what the recipe does with the scores, and the judging itself.

A scorer is anything with `score_images`. Two come along: CLIP against prompts, from the embeddings
that a build makes anyway, and an adapter to NudeNet (`nudenet.py`); a third is named by the recipe
as `module:factory` and is the user's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from schemas.recipe import bounded
from schemas.rejection import Reason, Why

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image as PilImage

    Rows = npt.NDArray[np.float32]

NONE, CLIP, NUDENET = "none", "clip", "nudenet"
POLICIES = ("drop", "drop_document", "flag")

UNSAFE_PROMPTS = (
    "a pornographic photo",
    "a photo of a naked person",
    "a photo of people having sex",
    "a drawing of explicit nudity",
    "a photo of a mutilated body",
    "a photo of blood and gore",
)
SAFE_PROMPTS = (
    "a photo",
    "a photo of a dressed person",
    "a photo of a place",
    "a photo of an animal",
    "a photo of food",
    "a photo of an object",
    "a drawing",
    "a diagram with text",
)
_LOGIT_SCALE = 100.0
"""What CLIP's cosines are multiplied by before a softmax (arXiv 2103.00020, section 2.5)."""


@dataclass(frozen=True, slots=True)
class UnsafeLimits:
    """Which images and videos are unsafe, and what becomes of them; off by default.

    Scores stay in the work folder: another `max_score` or `policy` is a decision on them, and
    nothing is decoded or scored again. No limit suits every scorer and corpus: build with `flag`,
    look at the scores in the decisions, then choose.

    Attributes:
        scorer: none; clip, by the prompts and the recipe's CLIP; nudenet, from the extra of that
            name, whose own licence file is AGPL-3.0; or `module:factory`, which makes your own.
        max_score: a score above this is unsafe; of a video its worst frame counts.
        policy: drop takes out the image or video, and with it the pair that it is half of;
            drop_document also every document that shows the image; flag keeps all, with the score
            in the decision. What is on a hash list is never kept.
        unsafe_prompts: of the scorer clip; the score is the share that these have in a softmax over
            all prompts.
        safe_prompts: of the scorer clip, what else a picture may show.
        hash_lists: files of SHA-256, SHA-1 or MD5 digests in hex, one a line, # comments: media
            whose bytes as fetched have one of them are neither stored nor decoded.
    """

    scorer: str = NONE
    max_score: float = bounded(0.5, at_most=1)
    policy: str = "drop"
    unsafe_prompts: tuple[str, ...] = UNSAFE_PROMPTS
    safe_prompts: tuple[str, ...] = SAFE_PROMPTS
    hash_lists: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy must be drop, drop_document or flag, got {self.policy}")
        module, colon, factory = self.scorer.partition(":")
        if self.scorer not in (NONE, CLIP, NUDENET) and not (module and colon and factory):
            raise ValueError(
                f"scorer must be none, clip, nudenet or module:factory, got {self.scorer}"
            )
        if self.scorer == CLIP and not (self.unsafe_prompts and self.safe_prompts):
            raise ValueError("the scorer clip needs unsafe_prompts and safe_prompts")

    @property
    def scores(self) -> bool:
        """Whether anything is scored at all."""
        return self.scorer != NONE


class UnsafeScorer(Protocol):
    """What a recipe's `scorer = "module:factory"` is to make: `factory()` gives one of these.

    The factory is called without arguments, once in each worker. The same images must get the same
    scores in every process and in whatever company, or a build is not the same twice.
    """

    def score_images(self, images: "Sequence[PilImage]") -> Sequence[float]:
        """How unsafe each image is, in order: 0, surely harmless, to 1, surely not.

        Args:
            images: in mode RGB, upright, at most the recipe's `image.encoded_side_px` wide and
                high; the frames of a video are images too.
        """
        ...


class BadScorer(ValueError):
    """A scorer that cannot be had, or that breaks its word; the message names it."""


def make_scorer(name: str) -> UnsafeScorer:
    """The scorer of a recipe: nudenet, or `module:factory`.

    Raises:
        BadScorer: there is no such module, or nothing in it of that name that makes a scorer.
    """
    import importlib

    module, _, factory = ("pipeline.media.nudenet:make" if name == NUDENET else name).partition(":")
    try:
        make: Any = getattr(importlib.import_module(module), factory)
    except (ImportError, AttributeError) as error:
        raise BadScorer(f"unsafe.scorer {name}: {error}") from None
    if not callable(make):
        raise BadScorer(f"unsafe.scorer {name}: {factory} is not a function")
    try:
        scorer: UnsafeScorer = make()
    except ImportError as error:
        raise BadScorer(f"unsafe.scorer {name}: {error}") from None
    if not callable(getattr(scorer, "score_images", None)):
        raise BadScorer(f"unsafe.scorer {name}: what {factory} makes has no score_images")
    return scorer


def score_pictures(scorer: UnsafeScorer, images: "Sequence[PilImage]", name: str) -> list[float]:
    """The scorer's answers, held to its word.

    Raises:
        BadScorer: not one a picture, or one that is no number from 0 to 1.
    """
    scores = [float(score) for score in scorer.score_images(images)]
    if len(scores) != len(images):
        raise BadScorer(f"unsafe.scorer {name}: {len(scores)} scores of {len(images)} images")
    for score in scores:
        if not 0 <= score <= 1:
            raise BadScorer(f"unsafe.scorer {name}: a score must be from 0 to 1, got {score}")
    return scores


def zero_shot(rows: "Rows", prompts: "Rows", unsafe: int) -> list[float]:
    """The share of the unsafe prompts in a softmax over all, for each picture.

    A zero-shot classifier as in CLIP, section 3.1 (arXiv 2103.00020); LAION-400M was screened
    with one of the kind (arXiv 2111.02114).

    Args:
        rows: unit rows of pictures, [pictures, dim] float32.
        prompts: unit rows of prompts, the unsafe ones first, [prompts, dim] float32.
        unsafe: how many prompts are unsafe.
    """
    import numpy as np

    # A row at a time: a product of matrices may differ in its last bit with their sizes.
    logits = np.stack([prompts @ row for row in rows]).astype(np.float64) * _LOGIT_SCALE
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = weights[:, :unsafe].sum(axis=1) / weights.sum(axis=1)
    return [float(share) for share in shares.round(6)]


def judge_unsafe(score: float, limits: UnsafeLimits) -> Why | None:
    """Why an image or video is out: its score says that it is unsafe."""
    if score <= limits.max_score:
        return None
    return Why(Reason.UNSAFE, round(score, 6), limits.max_score, limits.scorer)
