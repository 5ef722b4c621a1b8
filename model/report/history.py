"""What a run has left so far: its numbers by step, its samples, its recipe and data."""

import json
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoint import checkpoints_of
from model.run_log import LOG, scalars_of
from model.samples import SAMPLES


class HistoryError(ValueError):
    """A folder that holds no run."""


@dataclass(frozen=True, slots=True)
class Series:
    """Finite numbers by step, in order.

    Attributes:
        steps: at which there was one.
        values: one for each.
    """

    steps: Sequence[int]
    values: Sequence[float]


NOTHING = Series((), ())
"""Of what was never logged."""


@dataclass(frozen=True, slots=True)
class History:
    """What a run has left.

    Attributes:
        lines: steps that were logged.
        last: the newest line of the log.
        series: by name as of `scalars_of`.
        samples: generated texts as they were kept, in order.
        about: what its newest readable checkpoint says: recipe and data; empty without one.
    """

    lines: int
    last: Mapping[str, Any]
    series: Mapping[str, Series]
    samples: Sequence[Mapping[str, Any]]
    about: Mapping[str, Any]

    def of(self, name: str) -> Series:
        """A series, empty where there is none."""
        return self.series.get(name, NOTHING)

    def below(self, name: str) -> dict[str, Series]:
        """The series of a group by the last part of their names: `losses` gives `m3w`."""
        head = f"{name}/"
        return {key[len(head) :]: s for key, s in self.series.items() if key.startswith(head)}


def read_history(run: Path) -> History:
    """What a run has left in its folder.

    Raises:
        HistoryError: there is no log in it, or no step.
        OSError: it cannot be read.
    """
    if not (run / LOG).is_file():
        raise HistoryError(f"{run}: holds no {LOG}: no run of model.train")
    steps: dict[str, array[int]] = {}
    values: dict[str, array[float]] = {}
    lines, last = 0, {}
    for line in _records(run / LOG):
        lines, last = lines + 1, line
        for name, value in scalars_of(line).items():
            if math.isfinite(value):
                steps.setdefault(name, array("q")).append(line["step"])
                values.setdefault(name, array("d")).append(value)
    if not lines:
        raise HistoryError(f"{run / LOG}: no step in it yet")
    series = {name: Series(steps[name], values[name]) for name in steps}
    samples = list(_records(run / SAMPLES)) if (run / SAMPLES).exists() else []
    return History(lines, last, series, samples, _about(run))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of lines that name their step; a line that is being written is none."""
    with path.open("rb") as stream:
        for line in stream:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("step"), int):
                yield record


def _about(run: Path) -> dict[str, Any]:
    """What the newest checkpoint that can be read says of the run."""
    for path in reversed(checkpoints_of(run / "checkpoints")):
        try:
            state = json.loads((path / "state.json").read_bytes())
            return {key: state[key] for key in ("recipe", "data", "skipped", "samples")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}
