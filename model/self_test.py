"""What a language model must keep to before it is trained around, tried once on short rows.

Nothing here knows a family by name; what a family does with its blocks, masks and caches is seen
from what it answers. Random numbers of a run are not drawn from, and weights are left as they were.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.flamingo import Flamingo
from model.language import packing_error
from model.media_mask import previous_images
from model.recipe import TrainRecipe
from schemas.recipe import RecipeError

TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 5e-2}
"""Error over the largest logit, above which logits that should be the same are not."""

LEAK = 0.01
"""Change of logits that an image may make before its place, over the one that it makes after."""

LONGEST = 24
"""Tokens of a row that is tried."""

LATENTS = 4
"""Latents of an image that is tried: fewer than a model has, whose number no test depends on."""

_OPEN = 0.5
"""Gates that let the images through."""

_MISUSE = (TypeError, ValueError, RuntimeError, AttributeError, LookupError)
"""What a family raises where it is called as it does not want to be."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A short row with two images.

    Attributes:
        tokens_BL: one row of text, `<image>` at two places, `<EOC>` before the second.
        images_BL: which image each token looks at: the one before it.
        latents_IRD: of both.
        places: of the two `<image>`.
    """

    tokens_BL: Tensor
    images_BL: npt.NDArray[np.int64]
    latents_IRD: Tensor
    places: tuple[int, int]


def check_language(model: Flamingo, recipe: TrainRecipe) -> None:
    """Tries the language model of a Flamingo that is on its device.

    Args:
        model: with its frozen parts in the type that they are trained around in.
        recipe: of the run; where it packs no windows, that is not tried.

    Raises:
        RecipeError: the language model fails; names its class and what it fails in.
    """
    language = model.language
    name, tolerance = type(language.lm).__name__, TOLERANCE[language.dtype]
    trial = _trial(model, min(LONGEST, recipe.window.tokens))
    tests: tuple[tuple[str, Callable[[], str]], ...] = (
        ("gates at 0", partial(_closed_gates_fault, model, trial)),
        ("images", partial(_image_fault, model, trial)),
        ("a cache", partial(_cache_fault, model, trial, tolerance)),
    )
    for what, test in tests:
        try:
            fault = test()
        except _MISUSE as error:
            fault = f"{type(error).__name__}: {error}".splitlines()[0]
        if fault:
            raise RecipeError(
                f"[language] model = {recipe.language.model}: {name} fails the self-test of "
                f"{what}: {fault}"
            )
    if recipe.window.packed:
        _check_packing(model, recipe.window.tokens)


def _check_packing(model: Flamingo, tokens: int) -> None:
    """Raises RecipeError where documents in a row of so many tokens see one another."""
    language = model.language
    error = packing_error(language, tokens)
    if not error <= TOLERANCE[language.dtype]:
        raise RecipeError(
            f"[window] packed = true: documents of {type(language.lm).__name__} see one another in "
            f"a row of {tokens} tokens (relative error {error:.2g}); set window.packed=false"
        )


def _trial(model: Flamingo, tokens: int) -> Trial:
    """A row of so many tokens; every number in it follows from its place."""
    eoc, device = model.language.eoc, model.resampler.latents.device
    places = (tokens // 6, tokens // 2)
    ids_L = np.arange(1, tokens + 1) * 7919 % eoc
    ids_L[places[1] - 1] = eoc
    ids_L[list(places)] = eoc + 1
    numbers = torch.arange(2 * LATENTS * model.resampler.dim, dtype=torch.float32, device=device)
    return Trial(
        torch.from_numpy(ids_L)[None].to(device),
        previous_images(ids_L == eoc + 1)[None],
        (numbers * 0.7).sin().view(2, LATENTS, -1),
        places,
    )


def _closed_gates_fault(model: Flamingo, trial: Trial) -> str:
    """With its gates at 0, what a text's logits have that those of the plain model have not."""
    text_BL = trial.tokens_BL.clamp(max=model.language.eoc - 1)
    with _gates_at(model, 0.0):
        ours = model.logits(text_BL, trial.images_BL, trial.latents_IRD)
    plain = model.plain(text_BL)
    if torch.equal(ours[..., :-1], plain):
        return ""
    error = float((ours[..., :-1].float() - plain.float()).abs().max())
    return f"logits are not those of the language model alone (largest difference {error:.2g})"


def _cache_fault(model: Flamingo, trial: Trial, tolerance: float) -> str:
    """What reading the last tokens one by one from a cache changes."""
    length = trial.tokens_BL.shape[1]
    with _gates_at(model, _OPEN):
        whole = model.logits(trial.tokens_BL, trial.images_BL, trial.latents_IRD)
        pieces, cache = [], None
        for start, end in ((0, length - 2), (length - 2, length - 1), (length - 1, length)):
            images_BL = trial.images_BL[:, start:end]
            tokens_BL = trial.tokens_BL[:, start:end]
            piece, cache = model.read(tokens_BL, images_BL, trial.latents_IRD, cache)
            pieces.append(piece)
    difference = torch.cat(pieces, dim=1).float() - whole.float()
    error = float(difference.abs().max() / whole.abs().max())
    if error <= tolerance:
        return ""
    return f"logits of tokens read one by one are others (relative error {error:.2g})"


def _image_fault(model: Flamingo, trial: Trial) -> str:
    """Where an image is seen that should not be, or is not seen."""
    with _gates_at(model, _OPEN):
        before = model.logits(trial.tokens_BL, trial.images_BL, trial.latents_IRD)
        for image, place in enumerate(trial.places):
            latents_IRD = trial.latents_IRD.clone()
            latents_IRD[image] = -latents_IRD[image]
            after = model.logits(trial.tokens_BL, trial.images_BL, latents_IRD)
            change_L = (after - before).float().abs().amax((0, 2))
            seen, leaked = float(change_L[place:].max()), float(change_L[:place].max())
            if not seen > 0:
                return f"image {image + 1} changes nothing"
            if not leaked <= LEAK * seen:
                return f"image {image + 1} changes what stands before it"
    return ""


@contextmanager
def _gates_at(model: Flamingo, value: float) -> Iterator[None]:
    """All gates at one value, for a while."""
    parts = model.cross_attention.named_parameters()
    gates = [part for name, part in parts if name.endswith("_gate")]
    kept = [gate.detach().clone() for gate in gates]
    with torch.no_grad():
        for gate in gates:
            gate.fill_(value)
    try:
        yield
    finally:
        with torch.no_grad():
            for gate, was in zip(gates, kept, strict=True):
                gate.copy_(was)
