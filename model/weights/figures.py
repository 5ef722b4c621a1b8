"""How well the tiny models know pages of the made-up web that they were not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from model.clip import ClipEncoder
    from model.weights.web import Shown

    Rows = npt.NDArray[np.float32]

POOL = 100
"""Retrieval is among so many images, as R@1 of 100."""


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """What the CLIP does on images whose scenes it has not seen.

    Attributes:
        images: how many.
        text_to_image: share of descriptions whose image is first of 100, and among ten.
        image_to_text: share of images whose description is first of 100, and among ten.
        auc: chance that a true description scores above a wrong one.
        auc_sentences: the same for single sentences of the pages against their other sentences.
        kept_at_5: true descriptions that score above all but 5 % of the wrong ones.
        threshold_at_5: the cosine where that is.
        wrong_alts: planted wrong alt texts on the held-out pages.
        wrong_alts_caught: how many of them score below that threshold.
    """

    images: int
    text_to_image: tuple[float, float]
    image_to_text: tuple[float, float]
    auc: float
    auc_sentences: float
    kept_at_5: float
    threshold_at_5: float
    wrong_alts: int
    wrong_alts_caught: int


@dataclass(frozen=True, slots=True)
class LanguageFigures:
    """What the language model makes of unseen pages: perplexity a token, bits a byte."""

    pages: int
    tokens: int
    perplexity: float
    bits_a_byte: float
    example: str


def measure_clip(
    encoder: ClipEncoder,
    images: Sequence[Shown],
    pixels_NHWC: npt.NDArray[np.uint8],
    plain: Sequence[str],
) -> ClipFigures:
    """The figures of an encoder on some images with their texts and on image-free sentences."""
    import numpy as np
    from PIL import Image

    image_rows = encoder.embed_images([Image.fromarray(frame) for frame in pixels_NHWC])
    text_rows = encoder.embed_texts([image.description for image in images])
    scores = image_rows @ text_rows.T
    matched = np.diag(scores)
    wrong = scores[_other_scenes(images)]
    threshold = float(np.quantile(wrong, 0.95))
    sentences, owners = _sentences(images)
    told = np.einsum("nd,nd->n", encoder.embed_texts(sentences), image_rows[owners])
    untold = encoder.embed_texts(list(plain)) @ image_rows.T
    alts = [index for index, image in enumerate(images) if image.wrong_alt]
    alt_rows = encoder.embed_texts([images[index].wrong_alt for index in alts])
    alt_scores = np.einsum("nd,nd->n", alt_rows, image_rows[alts])
    return ClipFigures(
        images=len(images),
        text_to_image=_recall(scores.T),
        image_to_text=_recall(scores),
        auc=area_under_curve(matched, wrong),
        auc_sentences=area_under_curve(told, untold.ravel()),
        kept_at_5=float(np.mean(matched > threshold)),
        threshold_at_5=threshold,
        wrong_alts=len(alts),
        wrong_alts_caught=int(np.sum(alt_scores <= threshold)),
    )


def _other_scenes(images: Sequence[Shown]) -> npt.NDArray[np.bool_]:
    import numpy as np

    _, codes = np.unique([image.scene for image in images], return_inverse=True)
    different: npt.NDArray[np.bool_] = codes[:, None] != codes[None, :]
    return different


def _sentences(images: Sequence[Shown]) -> tuple[list[str], list[int]]:
    pairs = [(text, n) for n, image in enumerate(images) for text in image.texts]
    return [text for text, _ in pairs], [n for _, n in pairs]


def area_under_curve(higher: Rows, lower: Rows) -> float:
    """The chance that one of the first scores is above one of the second; ties count half."""
    import numpy as np

    ranked = np.sort(lower)
    below = np.searchsorted(ranked, higher, "left") + np.searchsorted(ranked, higher, "right")
    return float(below.mean() / (2 * len(ranked)))


def _recall(scores: Rows) -> tuple[float, float]:
    """R@1 and R@10 in pools of POOL rows and columns; the last pool may be smaller."""
    import numpy as np

    ranks = []
    for start in range(0, len(scores), POOL):
        pool = scores[start : start + POOL, start : start + POOL]
        ranks.append((pool > np.diag(pool)[:, None]).sum(axis=1))
    rank = np.concatenate(ranks)
    return float(np.mean(rank < 1)), float(np.mean(rank < 10))


def measure_language(folder: Path, texts: Sequence[str]) -> LanguageFigures:
    """The figures of the language model in a folder on some whole pages."""
    import math

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    length = model.config.max_position_embeddings
    nats, tokens, size = 0.0, 0, 0
    with torch.inference_mode():
        for text in texts:
            body = tokenizer.encode(
                text, add_special_tokens=False, truncation=True, max_length=length - 1
            )
            ids = [tokenizer.bos_token_id, *body]
            row = torch.tensor([ids])
            nats += float(model(input_ids=row, labels=row, use_cache=False).loss) * (len(ids) - 1)
            tokens += len(ids) - 1
            size += len(tokenizer.decode(ids[1:]).encode())
        start = torch.tensor([[tokenizer.bos_token_id]])
        written = model.generate(start, max_new_tokens=60, do_sample=False)
    return LanguageFigures(
        pages=len(texts),
        tokens=tokens,
        perplexity=math.exp(nats / tokens),
        bits_a_byte=nats / math.log(2) / size,
        example=tokenizer.decode(written[0], skip_special_tokens=True),
    )
