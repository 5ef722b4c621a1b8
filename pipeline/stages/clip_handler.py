"""CLIP behind Beam's RunInference: tasks of texts or media to their rows."""

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Batch
from typing import Any

from apache_beam.ml.inference.base import ModelHandler

from model.clip import ClipEncoder, load_clip
from pipeline.stages.beam_files import FILES
from pipeline.stages.pictures import pictures_of
from pipeline.stages.similarity import ClipChoice, Rows, Task
from pipeline.store.packs import PackReader


class ClipHandler(ModelHandler[Task, tuple[Any, Rows], ClipEncoder]):
    """Tasks to unit rows, [texts, images or frames of one video, dim] float32 each."""

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
                    else model.embed_images(
                        [picture for media in task.media for picture in pictures_of(media, reader)]
                    )
                )
                yield task.payload, rows

    def batch_elements_kwargs(self) -> dict[str, int]:
        """A task is a batch already."""
        return {"min_batch_size": 1, "max_batch_size": 1}
