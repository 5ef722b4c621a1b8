"""What a run leaves to be looked at; of several ranks the first writes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoint import CheckpointError
from model.event_files import FOLDER, open_event_files
from model.report.history import HistoryError, read_history
from model.report.page import REPORT, write_report
from model.run_log import LOG, RunLog
from model.samples import SAMPLES
from model.watch import Seen


class Record:
    """The open files of a run, cut back to the step that it goes on from.

    Args:
        folder: of the run, made where it is missing.
        step: the last one made; 0 for a run that begins.

    Raises:
        OSError: the folder or a file in it cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        self._log = RunLog(folder, step, LOG)
        self._samples = RunLog(folder, step, SAMPLES)
        self._events = open_event_files(folder, step)

    def write(self, line: Mapping[str, Any], seen: Seen | None) -> None:
        """Adds a step's line, and the samples that were taken before its update.

        Raises:
            CheckpointError: the disk does not take it.
        """
        samples = seen.samples if seen else ()
        for sample in samples:
            self._samples.write(sample.line(line["step"]))
        self._log.write(line)
        if self._events:
            try:
                self._events.write(line, samples)
            except OSError as error:
                where = self._folder / FOLDER
                raise CheckpointError(f"{where}: cannot be written: {error.strerror}") from error

    def report(self) -> None:
        """Draws the page of what the run has left so far.

        Raises:
            CheckpointError: it cannot be written.
        """
        try:
            write_report(self._folder, read_history(self._folder))
        except HistoryError:
            return  # gone on from its last step, with its log taken away: nothing to draw
        except OSError as error:
            page = self._folder / REPORT
            raise CheckpointError(f"{page}: cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Closes the files."""
        if self._events:
            self._events.close()
        self._samples.close()
        self._log.close()
