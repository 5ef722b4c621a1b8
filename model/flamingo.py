"""Flamingo: frozen eyes, a frozen tongue, and what is trained between them (the paper's 2).

Cross-attention blocks run as hooks before the frozen decoder blocks, so the language model's code
stays as it is and any family will do. Shapes as in resampler.py and cross_attention.py.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.cross_attention import GatedCrossAttention
from model.devices import on_device
from model.gaze import Gaze, gaze_of
from model.language import FrozenLanguage, document_mask
from model.media_mask import previous_images
from model.packing import Rows
from model.recipe import TrainRecipe
from model.resampler import Resampler
from model.vision import FrozenVision
from model.windows import NO_LABEL, Vocabulary
from schemas.recipe import RecipeError


@dataclass(frozen=True, slots=True)
class Inputs:
    """Packed rows as tensors on the model's device.

    Attributes:
        tokens_BL: ids.
        positions_BL: of each token in its document; None where every row holds one.
        documents_BL: which document of the row; None where every row holds one.
        gaze: which tokens look at which image.
        labelled_K: flat positions that have a target.
        targets_K: their targets.
        pixels_FHWC: uint8 frames of all images.
        frames_I: frames of each image; on the CPU.
    """

    tokens_BL: Tensor
    positions_BL: Tensor | None
    documents_BL: Tensor | None
    gaze: Gaze
    labelled_K: Tensor
    targets_K: Tensor
    pixels_FHWC: Tensor
    frames_I: Tensor


def inputs_of(
    rows: Rows, device: torch.device, attention: str = "auto", *, masked: bool = False
) -> Inputs:
    """Rows as tensors on a device; integers stay int64.

    Args:
        rows: to go through the model at once.
        device: of the model.
        attention: how tokens attend to images, see `gaze_of`.
        masked: whether documents are told apart also where every row holds one: compiled blocks
            are made for one or the other.
    """

    def put(array: npt.NDArray[Any]) -> Tensor:
        return on_device(array, device)

    several = masked or rows.documents_BL.max() > 0
    labels = rows.labels_BL.ravel()
    labelled = np.flatnonzero(labels != NO_LABEL)
    return Inputs(
        tokens_BL=put(rows.tokens_BL),
        positions_BL=put(rows.positions_BL) if several else None,
        documents_BL=put(rows.documents_BL) if several else None,
        gaze=gaze_of(rows.images_BL, len(rows.frames_I), device, attention),
        labelled_K=put(labelled),
        targets_K=put(labels[labelled]),
        pixels_FHWC=put(rows.pixels_FHWC),
        frames_I=torch.from_numpy(rows.frames_I),
    )


class Flamingo(nn.Module):
    """The whole model; only the resampler, the cross-attention and three side rows are trained.

    Attributes:
        always_sees: whether a pass without an image runs tower and resampler all the same, as
            ranks must that share them out.
    """

    always_sees = False

    def __init__(self, vision: FrozenVision, language: FrozenLanguage, recipe: TrainRecipe) -> None:
        super().__init__()
        self.vision = vision
        self.language = language
        self.resampler = Resampler(vision.dim, recipe.resampler, recipe.pixels.frames)
        xattn = recipe.cross_attention
        places = range(xattn.first, len(language.blocks), xattn.every)
        if not places:
            raise RecipeError(
                f"[cross_attention] first = {xattn.first}: the language model has "
                f"{len(language.blocks)} blocks"
            )
        heads = xattn.heads or language.heads
        if not heads:
            raise RecipeError("[cross_attention] heads = 0: the language model has none either")
        self.cross_attention = nn.ModuleList(
            GatedCrossAttention(language.dim, self.resampler.dim, heads, xattn) for _ in places
        )
        self._seen: tuple[Tensor, Gaze] | None = None
        for place, block in zip(places, self.cross_attention, strict=True):
            language.blocks[place].register_forward_pre_hook(self._hook(block), with_kwargs=True)

    def trainable(self) -> dict[str, nn.Parameter]:
        """The trained parameters by name."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def freeze_in(self, dtype: torch.dtype) -> None:
        """Keeps the frozen parameters in a given type; the trained ones stay as they are."""
        for parameter in self.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.to(dtype)

    def latents(self, pixels_FHWC: Tensor, frames_I: Tensor) -> Tensor:
        """What the language model may see of each image [I, R, D]."""
        if not len(frames_I):
            if self.always_sees:
                side = self.vision.side_px
                return self.latents(pixels_FHWC.new_zeros(1, side, side, 3), torch.ones(1).int())[
                    :0
                ]
            return torch.zeros(0, *self.resampler.latents.shape, device=pixels_FHWC.device)
        kind = self.resampler.latents.dtype
        return self.resampler(self.vision(pixels_FHWC).to(kind), frames_I)  # type: ignore[no-any-return]

    def forward(self, inputs: Inputs) -> Tensor:
        """The sum of the negative log-likelihoods at all labelled positions, float32."""
        self.language.leaves_logits()  # found out before anything is seen
        mask = None
        if inputs.documents_BL is not None:
            mask = document_mask(inputs.documents_BL, self.language.dtype)
        with self._autocast():
            latents_IRD = self.latents(inputs.pixels_FHWC, inputs.frames_I)
        with self._autocast(), self._seeing(latents_IRD, inputs.gaze):
            return self.language.summed_nll(
                inputs.tokens_BL, inputs.positions_BL, mask, inputs.labelled_K, inputs.targets_K
            )

    @torch.no_grad()
    def look(self, pixels_FHWC: Tensor, frames_I: Tensor) -> Tensor:
        """Latents [I, R, D] on the model's device, for `read`.

        Args:
            pixels_FHWC: uint8 frames of all images, on any device.
            frames_I: frames of each image; on the CPU.
        """
        with self._autocast():
            return self.latents(pixels_FHWC.to(self.resampler.latents.device), frames_I)

    @torch.no_grad()
    def read(
        self,
        tokens_BL: Tensor,
        images_BL: npt.NDArray[np.int64],
        latents_IRD: Tensor,
        cache: Any = None,  # noqa: ANN401 - each family of transformers has its own
        wanted_K: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Logits [B, L, V + 1] or [1, K, V + 1], and the cache, which grows by these tokens.

        Args:
            tokens_BL: ids that go on from what the cache has read.
            images_BL: which of the images each of them looks at; negative for none.
            latents_IRD: of these images.
            cache: of the tokens before; None where there are none.
            wanted_K: flat positions whose logits are wanted; None for all.
        """
        gaze = gaze_of(images_BL, len(latents_IRD), tokens_BL.device)
        with self._autocast(), self._seeing(latents_IRD, gaze):
            return self.language.read(tokens_BL, cache, wanted_K)

    @torch.no_grad()
    def logits(
        self, tokens_BL: Tensor, images_BL: npt.NDArray[np.int64], latents_IRD: Tensor
    ) -> Tensor:
        """Logits [B, L, V + 1] of `read`, without a cache, as in training."""
        gaze = gaze_of(images_BL, len(latents_IRD), tokens_BL.device)
        with self._autocast(), self._seeing(latents_IRD, gaze):
            return self.language(tokens_BL)  # type: ignore[no-any-return]

    @torch.no_grad()
    def plain(self, tokens_BL: Tensor) -> Tensor:
        """Logits [B, L, V] of the language model as it came, without images and words of ours."""
        with self._autocast(), self.language.as_it_came() as lm:
            out = lm(input_ids=tokens_BL, use_cache=False)
        return out.logits  # type: ignore[no-any-return]

    @torch.no_grad()
    def generate(
        self,
        tokens: Sequence[int],
        pixels_FHWC: Tensor,
        frames_I: Tensor,
        words: Vocabulary,
        max_tokens: int = 32,
    ) -> list[int]:
        """The likeliest next tokens of one prompt, greedily, up to `<EOC>` or the end of text.

        Args:
            tokens: the prompt, `<image>` at each image's place.
            pixels_FHWC: uint8 frames of its images in order.
            frames_I: frames of each image; on the CPU.
            words: the ids that are not text.
            max_tokens: how many to say at most.
        """
        device = next(self.resampler.parameters()).device
        latents_IRD = self.look(pixels_FHWC, frames_I)
        images_L = previous_images(np.asarray(tokens) == words.image)
        said: list[int] = []
        fresh, cache = list(tokens), None
        while len(said) < max_tokens:
            fresh_BL = torch.tensor([fresh], device=device)
            logits, cache = self.read(fresh_BL, images_L[-len(fresh) :][None], latents_IRD, cache)
            best = int(logits[0, -1].argmax())
            if best in (words.eoc, words.eos):
                break
            said.append(best)
            fresh = [best]
        return said

    def _autocast(self) -> AbstractContextManager[object]:
        """Activations in the type of the frozen weights: bf16 where they are kept in it (B.1.2)."""
        if self.language.dtype != torch.bfloat16:
            return nullcontext()
        return torch.autocast(self.resampler.latents.device.type, torch.bfloat16)

    @contextmanager
    def _seeing(self, latents_IRD: Tensor, gaze: Gaze) -> Iterator[None]:
        """Lets the hooks see some latents while the language model runs."""
        self._seen = (latents_IRD, gaze)
        try:
            yield
        finally:
            self._seen = None

    def _hook(self, block: nn.Module) -> Any:  # noqa: ANN401 - torch's own type of a hook
        def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
            if self._seen is None:
                return None
            if args:
                return (block(args[0], *self._seen), *args[1:]), kwargs
            hidden = block(kwargs["hidden_states"], *self._seen)
            return args, {**kwargs, "hidden_states": hidden}

        return before
