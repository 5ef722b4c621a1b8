"""Lines of a run: JSON objects by step, each step once, however often the run was resumed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoint import CheckpointError

LOG = "log.jsonl"
CLOCKED = frozenset(
    {
        "seconds", "wait_seconds", "wait_share", "tokens_per_s", "images_per_s", "flops_per_s",
        "mfu", "peak_memory_bytes", "gpu_peak_memory_bytes", "watch_seconds",
    }
)  # fmt: skip
"""What a line tells of the clock and the machine: all else is the same in equal runs."""


class RunLog:
    """An open file of lines, cut back to the steps that the run goes on from.

    Args:
        folder: of the run, made where it is missing.
        step: the last one made; 0 for a run that begins.
        name: of the file; every line in it names its `step`.

    Raises:
        OSError: the folder or the log cannot be written.
    """

    def __init__(self, folder: Path, step: int, name: str = LOG) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / name
        part = self._path.with_suffix(".part")
        part.write_bytes(b"".join(_lines_until(self._path, step)))
        part.replace(self._path)
        self._stream = self._path.open("ab", buffering=0)  # nothing is left to write at its close

    def write(self, line: Mapping[str, Any]) -> None:
        """Adds a line; it is in the file when this returns.

        Raises:
            CheckpointError: the disk does not take it.
        """
        content = json.dumps(line).encode() + b"\n"
        try:
            while content:
                content = content[self._stream.write(content) :]
        except OSError as error:
            raise CheckpointError(f"{self._path}: cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()


def scalars_of(line: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """The numbers of a line by name, those of a group as `group/name`; true is 1."""
    found: dict[str, float] = {}
    for key, value in line.items():
        if isinstance(value, Mapping):
            found |= scalars_of(value, f"{above}{key}/")
        elif isinstance(value, int | float):
            found[f"{above}{key}"] = float(value)
    return found


def read_log(folder: Path, step: int) -> list[dict[str, Any]]:
    """The lines of a run's log up to a step; none where there is no log."""
    return [json.loads(line) for line in _lines_until(folder / LOG, step)]


def _lines_until(log: Path, step: int) -> list[bytes]:
    """The lines of a log up to a step: what was made after it will be made again."""
    lines = log.read_bytes().splitlines(keepends=True) if log.exists() else []
    return [line for line in lines if line.endswith(b"\n") and 0 < _step_of(line) <= step]


def _step_of(line: bytes) -> int:
    """The step that a line tells of; 0 where a line is damaged."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 0
