"""CLIP behind Beam's RunInference: tasks of texts or media to their rows."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Sequence as Batch
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
from apache_beam.ml.inference.base import ModelHandler

from model.clip import ClipEncoder, Scorer, load_scorer
from pipeline.stages.beam_files import FILES
from pipeline.stages.kept_rows import open_kept
from pipeline.stages.pictures import FRAMES, pictures_in
from pipeline.stages.similarity import ClipChoice, Rows, Task
from pipeline.store.packs import PackReader
from pipeline.store.vectors import Vectors
from schemas.keys import make_key
from schemas.records import Image, Video

_TASKS_AHEAD = 8
"""Tasks that Beam hands over at once, so that a GPU finds the next one's pixels ready."""
_DECODERS = 8


class ClipHandler(ModelHandler[Task, tuple[Any, Rows], "Embedder"]):
    """Tasks to unit rows, [texts, images or frames of one video, dim] float32 each."""

    def __init__(self, choice: ClipChoice, root: str) -> None:
        """A handler for a model of choice, and media in packs below a root."""
        super().__init__()
        self._choice, self._root = choice, root

    def load_model(self) -> "Embedder":
        """What embeds; a model is loaded once there is something that no build has embedded."""
        return Embedder(self._choice, self._root)

    def run_inference(
        self,
        batch: Batch[Task],
        model: "Embedder",
        inference_args: Mapping[str, Any] | None = None,  # noqa: ARG002 - Beam's signature
    ) -> Iterable[tuple[Any, Rows]]:
        """Each task's payload with its rows; tasks are not mixed."""
        return model.embed(batch)

    def batch_elements_kwargs(self) -> dict[str, int]:
        """A task is a batch already; so many at once, and no more tried by the clock."""
        return {"min_batch_size": _TASKS_AHEAD, "max_batch_size": _TASKS_AHEAD}


class Embedder:
    """Rows of tasks: from those that earlier builds kept, else by the scorer."""

    def __init__(self, choice: ClipChoice, root: str) -> None:
        """An embedder by a choice, of media in packs below a root."""
        self._choice, self._root = choice, root
        self._kept: Vectors | None = open_kept(choice, root)
        self._lock = threading.Lock()

    @cached_property
    def device(self) -> str:
        """Where a CLIP runs: on the GPU, where there is one."""
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def scorer(self) -> Scorer:
        """The model, on one thread: a worker is a process, and one thread gives equal bits."""
        import torch

        torch.set_num_threads(1)
        choice = self._choice
        return load_scorer(choice.model, choice.pretrained, self.device, choice.compute)

    def embed(self, tasks: Batch[Task]) -> Iterator[tuple[Any, Rows]]:
        """Each task's payload with its rows, in order."""
        known = [self._known(task) for task in tasks]
        with PackReader(self._root, files=FILES) as reader:

            def prepare(number: int) -> list[list[Any]]:
                _, rows = known[number]
                return [self._pixels(m, reader) for m in missing_media(tasks[number], rows)]

            ahead = _DECODERS if any(task.media for task in tasks) and self._ahead(known) else 0
            for number, pixels in enumerate(in_turn(prepare, range(len(tasks)), ahead)):
                yield tasks[number].payload, self._rows(tasks[number], *known[number], pixels)

    def _ahead(self, known: Batch[tuple[list[str], dict[str, Rows]]]) -> bool:
        """Whether decoding ahead gains: not where the decoder and the towers share a core."""
        missing = any(key not in rows for keys, rows in known for key in keys)
        return missing and self.device != "cpu"

    def _known(self, task: Task) -> tuple[list[str], dict[str, Rows]]:
        """The keys of a task's items, and the rows that are kept of them."""
        keys = [*map(text_key, task.texts)] or [key for m in task.media for key in media_keys(m)]
        found = {key: self._kept.find(key) for key in keys} if self._kept else {}
        return keys, {key: row for key, row in found.items() if row is not None}

    def _pixels(self, media: Image | Video, reader: PackReader) -> list[Any]:
        """What the scorer takes of an image, or of each of a video's frames."""
        with self._lock:
            content = reader.read(media.ref)
        pictures = pictures_in(media, content)
        scorer = self.scorer
        return [*map(scorer.preprocess, pictures)] if isinstance(scorer, ClipEncoder) else pictures

    def _rows(
        self, task: Task, keys: list[str], rows: dict[str, Rows], pixels: list[list[Any]]
    ) -> Rows:
        """The rows of a task whose missing media are at hand as pixels; new ones are kept."""
        missing = [key for key in dict.fromkeys(keys) if key not in rows]
        if missing:
            new = (
                self._text_rows(task, keys, missing)
                if task.texts
                else self._media_rows(missing_media(task, rows), pixels)
            )
            if self._kept:
                self._kept.add(list(new), np.stack(list(new.values())))
            rows = rows | new
        # A short video has fewer frames than keys: what stands for the others is no unit row.
        return np.stack([rows[key] for key in keys if rows[key].any()])

    def _text_rows(self, task: Task, keys: list[str], missing: list[str]) -> dict[str, Rows]:
        texts = dict(zip(keys, task.texts, strict=True))
        new = self.scorer.embed_texts([texts[key] for key in missing])
        return dict(zip(missing, new, strict=True))

    def _media_rows(self, media: Batch[Image | Video], pixels: list[list[Any]]) -> dict[str, Rows]:
        scorer = self.scorer
        flat = [one for several in pixels for one in several]
        every = (
            scorer.embed_pixels(flat)
            if isinstance(scorer, ClipEncoder)
            else scorer.embed_images(flat)
        )
        rows = iter(every)
        new: dict[str, Rows] = {}
        for one, several in zip(media, pixels, strict=True):
            keys = media_keys(one)
            new |= {key: next(rows) for key in keys[: len(several)]}
            new |= {key: np.zeros_like(every[0]) for key in keys[len(several) :]}
        return new


def in_turn(prepare: Callable[[int], Any], numbers: Iterable[int], threads: int) -> Iterator[Any]:
    """`prepare` of each number in order; by so many threads ahead of the reader, or by none."""
    if not threads:
        yield from map(prepare, numbers)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(prepare, numbers)


def text_key(text: str) -> str:
    """What the row of a text is kept under."""
    return make_key("text", text)


def media_keys(media: Image | Video) -> list[str]:
    """What the rows of an image, or of a video's frames, are kept under: bytes, and which frame."""
    if isinstance(media, Image):
        return [make_key("image", media.ref.sha256)]
    return [make_key("video", media.ref.sha256, f"{n} at 1 fps") for n in range(FRAMES)]


def missing_media(task: Task, rows: Mapping[str, Rows]) -> list[Image | Video]:
    """The media of a task that some row is missing of."""
    return [media for media in task.media if any(key not in rows for key in media_keys(media))]
