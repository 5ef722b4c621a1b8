"""Flamingo, its CLIP and its trainer: tensors live here, Beam does not."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.export.speaker import Speaker


def load(folder: str | Path, device: str = "cpu") -> "Speaker":
    """The Flamingo of a folder that `python -m model.export` wrote.

    Args:
        folder: that was written.
        device: cpu or cuda; there the frozen parts are kept in bf16, as in training.

    Raises:
        CheckpointError: the folder is not as it was written, or the vision or language model that
            it names is not the one that it was trained on.
        RecipeError: one of them cannot be had.
    """
    from model.export.folder import read_folder

    return read_folder(Path(folder), device)
