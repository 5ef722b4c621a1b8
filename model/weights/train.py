"""Trains the tiny CLIP and the tiny language model of the package on a made-up web.

python -m pipeline.sample_web --output WEB --pages 2400 --seed 5
python -m model.weights.train --web WEB --output model/weights/tiny --seed 0
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.weights.figures import ClipFigures, LanguageFigures
from model.weights.locate import LOCAL_DIR
from model.weights.tiny_clip import CONTEXT as CLIP_CONTEXT
from model.weights.tiny_clip import IMAGE_SIDE_PX, ClipLessons, describe_lessons
from model.weights.tiny_language import CONTEXT as LANGUAGE_CONTEXT
from model.weights.tiny_language import LanguageLessons
from model.weights.web import TRUTH, WARC, Lesson, Shown, unique_images

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

README_TEMPLATE = Path(__file__).parent / "readme_template.md"
MARGIN_PX = 16
"""Images are kept so much larger than the model takes them, for shifts and zooms."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """All that is drawn from the web.

    Attributes:
        pages: texts of the pages to learn from.
        images: to learn from.
        plain: sentences to learn from that tell of no image.
        held_pages: kept out.
        held_images: kept out, of scenes that `images` has not.
        held_plain: kept out.
    """

    pages: list[str]
    images: list[Shown]
    plain: list[str]
    held_pages: list[str]
    held_images: list[Shown]
    held_plain: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Writes OUTPUT/clip, OUTPUT/lm and OUTPUT/README.md; 0 done, 1 bad web, 2 wrong usage."""
    options = _parser().parse_args(argv)
    missing = [name for name in (TRUTH, WARC) if not (options.web / name).is_file()]
    if missing:
        _say(f"{options.web} has no {' and no '.join(missing)}: write it with pipeline.sample_web")
        return 2
    from model.weights.web import read_lessons

    lessons = split_lessons(read_lessons(options.web))
    if not lessons.images or not lessons.held_images:
        _say(f"{options.web} has too few pages to learn from and to keep some out")
        return 1
    train_both(lessons, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.weights.train",
        description="Trains the package's tiny CLIP and tiny language model on a made-up web.",
        epilog="example: python -m model.weights.train --web WEB --output model/weights/tiny",
    )
    parser.add_argument("--web", type=Path, required=True, help="written by pipeline.sample_web")
    parser.add_argument("--output", type=Path, required=True, help="gets clip/, lm/, README.md")
    parser.add_argument("--seed", type=int, default=0, help="of weights and choices (0)")
    parser.add_argument("--web-seed", default="SEED", help="the web's own seed, for the README")
    parser.add_argument("--clip-steps", type=int, default=ClipLessons().steps)
    parser.add_argument("--language-steps", type=int, default=LanguageLessons().steps)
    parser.add_argument("--threads", type=int, default=2, help="of torch; changes the weights (2)")
    return parser


def split_lessons(lessons: Sequence[Lesson]) -> Lessons:
    """Training and held-out lessons, with no scene in both."""
    learnt = [lesson for lesson in lessons if not lesson.held_out]
    held = [lesson for lesson in lessons if lesson.held_out]
    images = unique_images(learnt)
    known = {image.scene for image in images}
    return Lessons(
        pages=[lesson.text for lesson in learnt],
        images=images,
        plain=_plain(learnt),
        held_pages=[lesson.text for lesson in held],
        held_images=[image for image in unique_images(held) if image.scene not in known],
        held_plain=_plain(held),
    )


def _plain(lessons: Sequence[Lesson]) -> list[str]:
    return list(dict.fromkeys(text for lesson in lessons for text in lesson.plain))


def train_both(lessons: Lessons, options: argparse.Namespace) -> None:
    """Trains, saves, measures what was saved, and writes the README."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(mode=True)
    numbers: dict[str, Any] = {"seed": options.seed, "threads": options.threads}
    tokenizer = _tokenizer(lessons)
    numbers |= _clip(lessons, options, tokenizer)
    numbers |= _language(lessons, options, tokenizer)
    numbers |= {"web_pages": _pages(options.web), "web_seed": options.web_seed}
    text = README_TEMPLATE.read_text(encoding="utf-8").format(**numbers)
    (options.output / "README.md").write_text(text, encoding="utf-8")


def _tokenizer(lessons: Lessons) -> Any:  # noqa: ANN401 - tokenizers has no types
    from model.weights.tiny_tokenizer import train_tokenizer

    captions = [text for image in lessons.images for text in image.texts]
    return train_tokenizer([*lessons.pages, *captions])


def _clip(lessons: Lessons, options: argparse.Namespace, tokenizer: Any) -> dict[str, Any]:  # noqa: ANN401
    """The trained CLIP's figures; the CLIP itself is on disk."""
    import open_clip

    from model.clip import load_clip
    from model.weights.figures import measure_clip
    from model.weights.tiny_clip import save_clip, train_clip
    from model.weights.tiny_tokenizer import save_tokenizer

    how = replace(ClipLessons(), steps=options.clip_steps)
    folder = options.output / "clip"
    save_tokenizer(tokenizer, folder, CLIP_CONTEXT, ends=True)
    encode = open_clip.tokenizer.HFTokenizer(folder, context_length=CLIP_CONTEXT)
    images = lessons.images
    began = time.monotonic()
    pixels = _pixels(options.web, images)
    model = train_clip(images, pixels, lessons.plain, encode, how, options.seed, _say)
    minutes = (time.monotonic() - began) / 60
    save_clip(model, folder, how)
    figures = measure_clip(
        load_clip(f"{LOCAL_DIR}{folder}"),
        lessons.held_images,
        _pixels(options.web, lessons.held_images),
        lessons.held_plain,
    )
    _say(f"clip: {figures}")
    return {
        "clip_shape": f"ResNet of width {how.vision['width']} at {IMAGE_SIDE_PX} px, "
        f"text of {how.text['layers']} layers, {how.embed_dim} numbers",
        "clip_parameters": sum(p.numel() for p in model.parameters()),
        "clip_bytes": _size(folder),
        "clip_images": len(images),
        "clip_lessons": describe_lessons(how),
        "clip_minutes": minutes,
        **_clip_rows(figures),
    }


def _pixels(web: Path, images: list[Shown]) -> npt.NDArray[np.uint8]:
    from model.weights.web import read_pixels

    return read_pixels(web, images, IMAGE_SIDE_PX + MARGIN_PX)


def _clip_rows(figures: ClipFigures) -> dict[str, Any]:
    return {
        "images": figures.images,
        "t2i": figures.text_to_image,
        "i2t": figures.image_to_text,
        "auc": figures.auc,
        "auc_sentences": figures.auc_sentences,
        "kept": figures.kept_at_5,
        "threshold": figures.threshold_at_5,
        "caught": figures.wrong_alts_caught,
        "planted": figures.wrong_alts,
    }


def _language(lessons: Lessons, options: argparse.Namespace, tokenizer: Any) -> dict[str, Any]:  # noqa: ANN401
    """The trained language model's figures; the model itself is on disk."""
    from model.weights.figures import measure_language
    from model.weights.tiny_language import save_language, token_stream, train_language
    from model.weights.tiny_tokenizer import save_tokenizer

    how = replace(LanguageLessons(), steps=options.language_steps)
    folder = options.output / "lm"
    save_tokenizer(tokenizer, folder, LANGUAGE_CONTEXT, ends=False)
    began = time.monotonic()
    stream = token_stream(
        lambda texts: [row.ids for row in tokenizer.encode_batch(texts)], _reading(lessons)
    )
    model = train_language(stream, how, options.seed, _say)
    minutes = (time.monotonic() - began) / 60
    save_language(model, folder)
    figures: LanguageFigures = measure_language(folder, lessons.held_pages)
    _say(f"language: {figures}")
    return {
        "language_shape": f"Llama, {how.layers} layers of {how.dim}, "
        f"context {LANGUAGE_CONTEXT}, tied embedding",
        "language_parameters": sum(p.numel() for p in model.parameters()),
        "language_bytes": _size(folder),
        "language_tokens": len(stream),
        "language_lessons": f"{how.steps} steps of {how.batch} x {LANGUAGE_CONTEXT} tokens, "
        f"learning_rate {how.learning_rate}",
        "language_minutes": minutes,
        "pages": figures.pages,
        "perplexity": figures.perplexity,
        "bits": figures.bits_a_byte,
        "example": figures.example,
    }


def _reading(lessons: Lessons) -> list[str]:
    """Pages and, alone, one text of each image, each image's beside some page of its own."""
    captions = [image.texts[-1] for image in lessons.images]
    each = max(1, len(captions) // max(1, len(lessons.pages)))
    texts: list[str] = []
    for number, page in enumerate(lessons.pages):
        texts += [page, *captions[number * each : (number + 1) * each]]
    return texts


def _pages(web: Path) -> int:
    with (web / TRUTH).open(encoding="utf-8") as lines:
        return sum(1 for _ in lines)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
