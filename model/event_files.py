"""TensorBoard's event files of a run, where its package is installed: RUN/tensorboard."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

from model.run_log import scalars_of
from model.samples import Sample

FOLDER = "tensorboard"
"""Of the event files, in that of the run."""

BLOCK = "    "
"""What a line of code begins with in Markdown."""


class EventFiles:
    """An open event file; what older ones hold of later steps is told to be void.

    Args:
        folder: of the run.
        step: the last one made; 0 for a run that begins.

    Raises:
        ImportError: TensorBoard is not installed.
        OSError: the folder or a file in it cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # A file of its own each time; TensorBoard drops what others have from the purged step on.
        self._writer: Any = SummaryWriter(folder / FOLDER, purge_step=step + 1 if step else None)

    def write(self, line: Mapping[str, Any], samples: Iterable[Sample]) -> None:
        """Adds the numbers of a step's line, and its samples as text; all is in the file then.

        Raises:
            OSError: the disk does not take it.
        """
        step = line["step"]
        for name, value in scalars_of(line).items():
            if name != "step":
                self._writer.add_scalar(name, value, step)
        for sample in samples:
            self._writer.add_text(f"samples/{sample.corpus}", _text_of(sample), step)
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()


def open_event_files(folder: Path, step: int) -> EventFiles | None:
    """Event files as of `EventFiles`; None where TensorBoard is not installed."""
    try:
        return EventFiles(folder, step)
    except ImportError:
        return None


def _text_of(sample: Sample) -> str:
    """A sample as Markdown: its texts as blocks of code, in which nothing is markup."""
    parts = (("read", sample.prompt), ("says", sample.said), ("is", sample.truth))
    return "\n\n".join(f"{label}\n\n{indent(text.strip(), BLOCK)}" for label, text in parts)
