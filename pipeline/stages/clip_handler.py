"""CLIP behind Beam's RunInference: tasks of texts or media to their rows."""

import io
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Batch
from typing import Any

import numpy as np
from apache_beam.ml.inference.base import ModelHandler

from model.clip import ClipEncoder, load_clip
from pipeline.media.video import sample_frames
from pipeline.stages.beam_files import FILES
from pipeline.stages.similarity import ClipChoice, Rows, Task
from pipeline.store.packs import PackReader
from schemas.records import Image, PackRef, Video

_FRAMES = 8


class ClipHandler(ModelHandler[Task, tuple[Any, Rows], ClipEncoder]):
    """Tasks to unit rows: [texts or media, dim] float32 each."""

    def __init__(self, choice: ClipChoice, root: str) -> None:
        """A handler for a model of choice, and media in packs below a root."""
        super().__init__()
        self._choice, self._root = choice, root

    def load_model(self) -> ClipEncoder:
        """The encoder, on one thread: a worker is a process, and one thread gives equal bits."""
        import torch

        torch.set_num_threads(1)
        return load_clip(self._choice.model, self._choice.pretrained)

    def run_inference(
        self,
        batch: Batch[Task],
        model: ClipEncoder,
        inference_args: Mapping[str, Any] | None = None,  # noqa: ARG002 - Beam's signature
    ) -> Iterable[tuple[Any, Rows]]:
        """Each task's payload with its rows; tasks are not mixed."""
        with PackReader(self._root, files=FILES) as reader:
            for task in batch:
                rows = (
                    model.embed_texts(task.texts)
                    if task.texts
                    else np.stack([_embed_media(media, model, reader) for media in task.media])
                    if any(isinstance(media, Video) for media in task.media)
                    else model.embed_images([_open(m.ref, reader) for m in task.media])
                )
                yield task.payload, rows

    def batch_elements_kwargs(self) -> dict[str, int]:
        """A task is a batch already."""
        return {"min_batch_size": 1, "max_batch_size": 1}


def _open(ref: PackRef, reader: PackReader) -> Any:
    """The picture behind a ref of our own making."""
    import PIL.Image

    return PIL.Image.open(io.BytesIO(reader.read(ref))).convert("RGB")


def _embed_media(media: Image | Video, model: ClipEncoder, reader: PackReader) -> Rows:
    """The unit row of a video, the mean of its frames' rows; or of an image."""
    if isinstance(media, Image):
        row: Rows = model.embed_images([_open(media.ref, reader)])[0]
        return row
    frames = sample_frames(reader.read(media.ref), fps=1.0, max_frames=_FRAMES)
    mean = model.embed_images(frames).mean(axis=0)
    unit: Rows = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit
