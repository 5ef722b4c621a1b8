"""One stage of a build: a Beam pipeline that runs once, and the record it leaves of itself.

A stage lives in `WORK/<name>-<fingerprint>/`. The fingerprint covers the code, the stage's part of
the recipe and the fingerprints of the stages it reads, so that a finished stage is found again and
a changed threshold runs only what depends on it. `stage.json` is written last: without it, whatever
lies in the folder is thrown away and the stage runs again.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.stages.beam_files import FILES, is_local
from pipeline.stages.tables import ReadTable, WriteTable, Written, write_decisions, write_fetches
from schemas.manifest import ShardEntry, StageCount
from schemas.recipe import digest_of
from schemas.tables import Decision

_ROWS_PER_FILE = 500_000


@dataclass(frozen=True)
class Outputs:
    """What a stage's graph makes.

    Attributes:
        tables: record type and collection by table name.
        decisions: collections of Decision.
        read: collections of (stage, kind), one for each item that came in, counted before it is
            judged: what decisions are held against; in the order in which they are judged.
        replaced: collections of ((stage, kind, what), how often): what was replaced in items.
        shards: a collection of ShardEntry, for stages that write shards.
        fetches: a collection of FetchRow, for stages that fetch.
    """

    tables: Mapping[str, tuple[type, Any]] = field(default_factory=dict)
    decisions: tuple[Any, ...] = ()
    read: tuple[Any, ...] = ()
    replaced: tuple[Any, ...] = ()
    shards: Any = None
    fetches: Any = None


@dataclass(frozen=True)
class Stage:
    """A stage of a build.

    Attributes:
        name: word in folders, decisions and manifest.
        settings: the parts of the recipe it depends on, and whatever else decides its output.
        inputs: names of the stages it reads.
        expand: its graph.
    """

    name: str
    settings: tuple[object, ...]
    inputs: tuple[str, ...]
    expand: Callable[[beam.Pipeline, "Work", "Place"], Outputs]


@dataclass(frozen=True)
class Place:
    """Where a stage works: the work folder's root and the stage's own folder below it."""

    root: str
    folder: str


@dataclass(frozen=True)
class StageResult:
    """What a finished stage says of itself; paths are relative to the work folder."""

    name: str
    folder: str
    fingerprint: str
    seconds: float
    tables: dict[str, list[str]]
    rows: dict[str, int]
    counts: list[StageCount]
    shards: list[ShardEntry]


class Work:
    """The work folder of a build and the stages finished in it so far."""

    def __init__(self, root: str, code: str, options: PipelineOptions) -> None:
        """A work folder.

        Args:
            root: its path.
            code: digest of the code, part of every fingerprint.
            options: Beam's options for every stage.
        """
        self.root = root
        self._code = code
        self._options = options
        self.results: dict[str, StageResult] = {}

    def table(self, pipeline: beam.Pipeline, stage: str, name: str, record: type) -> Any:
        """The records of a finished stage's table."""
        paths = tuple(f"{self.root}/{path}" for path in self.results[stage].tables.get(name, []))
        return pipeline | f"Read{stage}/{name}" >> ReadTable(record, paths)

    def paths(self, stage: str, name: str) -> list[str]:
        """The files of a finished stage's table."""
        return [f"{self.root}/{path}" for path in self.results[stage].tables.get(name, [])]

    def rows(self, stage: str, name: str) -> int:
        """The number of rows in a finished stage's table."""
        return self.results[stage].rows.get(name, 0)

    def run(self, stage: Stage) -> tuple[StageResult, bool]:
        """The stage's result, and whether it had to be run for it."""
        fingerprint = self._fingerprint(stage)
        place = Place(self.root, f"{stage.name}-{fingerprint[:12]}")
        result = self._finished(place)
        ran = result is None
        if result is None:
            self._clear(place)
            result = self._run(stage, place, fingerprint)
        self.results[stage.name] = result
        return result, ran

    def peek(self, stage: Stage) -> StageResult | None:
        """The stage's result if it is finished already."""
        result = self._finished(Place(self.root, f"{stage.name}-{self._fingerprint(stage)[:12]}"))
        if result is not None:
            self.results[stage.name] = result
        return result

    def forget(self, name: str) -> None:
        """Lets a finished stage be run again: its files are damaged."""
        FILES.remove(f"{self.root}/{self.results[name].folder}/stage.json")

    def _fingerprint(self, stage: Stage) -> str:
        before = [self.results[name].fingerprint for name in stage.inputs]
        return digest_of(self._code, stage.name, *stage.settings, before)

    def _finished(self, place: Place) -> StageResult | None:
        path = f"{place.root}/{place.folder}/stage.json"
        if not FILES.exists(path):
            return None
        tree = json.loads(FILES.read(path))
        tree["counts"] = [StageCount(**count) for count in tree["counts"]]
        tree["shards"] = [ShardEntry(**shard) for shard in tree["shards"]]
        return StageResult(**tree)

    def _clear(self, place: Place) -> None:
        """Removes what an unfinished run of the stage left."""
        folder = f"{place.root}/{place.folder}"
        if is_local(folder):
            shutil.rmtree(folder, ignore_errors=True)
            return
        for path in FILES.list(folder):
            FILES.remove(path)

    def _run(self, stage: Stage, place: Place, fingerprint: str) -> StageResult:
        started = time.monotonic()
        summary = f"{place.folder}/summary.json"
        rows = sum(sum(self.results[name].rows.values()) for name in stage.inputs)
        with beam.Pipeline(options=self._options) as pipeline:
            outputs = stage.expand(pipeline, self, place)
            _write_outputs(pipeline, outputs, place, 1 + rows // _ROWS_PER_FILE)
        result = _result(
            stage.name,
            place.folder,
            fingerprint,
            time.monotonic() - started,
            json.loads(FILES.read(f"{place.root}/{summary}")),
        )
        FILES.write(
            f"{place.root}/{place.folder}/stage.json",
            json.dumps(asdict(result), indent=1, sort_keys=True).encode(),
        )
        _remove_orphans(place, result)
        return result


def _write_outputs(
    pipeline: beam.Pipeline, outputs: Outputs, place: Place, small_files: int
) -> None:
    """Writes tables, decisions and fetches, and one summary of all that was written and counted."""
    parts = [pipeline | "NoSummary" >> beam.Create([{}])]
    for name, (record, rows) in outputs.tables.items():
        written = rows | f"Write/{name}" >> WriteTable(record, place.root, place.folder, name)
        parts.append(written | f"Files/{name}" >> beam.Map(_as_summary))
    if outputs.decisions:
        decisions = outputs.decisions | "AllDecisions" >> beam.Flatten()
        parts.append(
            decisions
            | "Write/decisions" >> write_decisions((place.root, place.folder), small_files)
            | "Files/decisions" >> beam.Map(_as_summary)
        )
        parts.append(
            decisions
            | "Counted" >> beam.Map(_counted)
            | "CountDecisions" >> beam.combiners.Count.PerElement()
            | "Counts" >> beam.Map(lambda counted: {"count": [*counted[0], counted[1]]})
        )
    if outputs.fetches is not None:
        write = write_fetches((place.root, place.folder), small_files)
        written = outputs.fetches | "Write/fetches" >> write
        parts.append(written | "Files/fetches" >> beam.Map(_as_summary))
    for turn, read in enumerate(outputs.read):
        parts.append(
            read
            | f"CountRead/{turn}" >> beam.combiners.Count.PerElement()
            | f"Reads/{turn}" >> beam.Map(_as_read, turn)
        )
    if outputs.replaced:
        parts.append(
            outputs.replaced
            | "AllReplaced" >> beam.Flatten()
            | "CountReplaced" >> beam.CombinePerKey(sum)
            | "Replaced" >> beam.Map(lambda counted: {"replaced": [*counted[0], counted[1]]})
        )
    if outputs.shards is not None:
        parts.append(outputs.shards | "Shards" >> beam.Map(lambda s: {"shard": asdict(s)}))
    _ = (
        parts
        | "Parts" >> beam.Flatten()
        | beam.combiners.ToList()
        | "Summary" >> beam.Map(_write_summary, f"{place.root}/{place.folder}/summary.json")
    )


def _as_summary(written: Written) -> dict[str, Any]:
    """A written file as an entry of the summary."""
    return {"file": [written.table, written.path, written.rows]}


def _as_read(counted: Any, turn: int) -> dict[str, Any]:
    """How many items came in, and when in the stage they are judged."""
    return {"read": [*counted[0], counted[1], turn]}


def _counted(row: Decision) -> tuple[str, str, bool, str]:
    """What the manifest counts of a decision; what is only flagged is kept and has a reason."""
    return row.stage, row.kind, row.kept, row.reason or ""


def _write_summary(parts: Iterable[dict[str, Any]], path: str) -> None:
    """The summary of a stage, in one file."""
    FILES.write(path, json.dumps([part for part in parts if part]).encode())


def _result(
    name: str, folder: str, fingerprint: str, seconds: float, parts: list[dict[str, Any]]
) -> StageResult:
    """A stage's result from the parts of its summary."""
    tables: dict[str, list[str]] = {}
    rows: Counter[str] = Counter()
    for part in parts:
        if "file" in part:
            table, path, count = part["file"]
            tables.setdefault(table, []).append(path)
            rows[table] += count
    shards = [ShardEntry(**part["shard"]) for part in parts if "shard" in part]
    return StageResult(
        name,
        folder,
        fingerprint,
        round(seconds, 2),
        {table: sorted(paths) for table, paths in sorted(tables.items())},
        dict(sorted(rows.items())),
        _stage_counts(
            [part["count"] for part in parts if "count" in part],
            [part["read"] for part in parts if "read" in part],
            [part["replaced"] for part in parts if "replaced" in part],
        ),
        sorted(shards, key=lambda shard: shard.path),
    )


def _stage_counts(
    counts: list[list[Any]], reads: list[list[Any]], replacements: list[list[Any]]
) -> list[StageCount]:
    """Counts by stage and kind: items read beside the decisions that were made of them."""
    decided: dict[tuple[str, str], Counter[tuple[bool, str]]] = {}
    for name, kind, kept, reason, number in counts:
        decided.setdefault((name, kind), Counter())[kept, reason] += number
    read: Counter[tuple[str, str]] = Counter()
    turns: dict[tuple[str, str], int] = {}
    for name, kind, number, turn in reads:
        read[name, kind] += number
        turns[name, kind] = min(turn, turns.get((name, kind), turn))
    replaced: dict[tuple[str, str], dict[str, int]] = {}
    for name, kind, what, number in sorted(replacements):
        replaced.setdefault((name, kind), {})[what] = number
    entries = []
    # As they are judged; of those judged together the wider first.
    order = sorted(
        decided.keys() | read.keys(),
        key=lambda entry: (turns.get(entry, len(reads)), -read[entry], entry),
    )
    for name, kind in order:
        numbers = decided.get((name, kind), Counter())
        rejected, flagged = (
            {reason: numbers[kept, reason] for kept, reason in sorted(numbers) if kept is wanted}
            for wanted in (False, True)
        )
        kept = sum(flagged.values())
        flagged.pop("", None)
        entries.append(
            StageCount(
                name,
                kind,
                read[name, kind],
                kept,
                rejected,
                replaced.get((name, kind), {}),
                flagged,
            )
        )
    return entries


def _remove_orphans(place: Place, result: StageResult) -> None:
    """Removes files that no record lists: bundles that ran twice leave them."""
    tables = {f"{place.root}/{place.folder}/{table}/" for table in result.tables}
    named = {f"{place.root}/{path}" for paths in result.tables.values() for path in paths}
    for path in FILES.list(f"{place.root}/{place.folder}"):
        of_a_table = any(path.startswith(table) for table in tables)
        if path.endswith(".part") or (of_a_table and path not in named):
            FILES.remove(path)


def code_digest() -> str:
    """A digest of all code that decides a build's output."""
    home = Path(__file__).resolve().parents[2]
    rooms = ("pipeline", "dedup", "schemas")
    files = [path for room in rooms for path in sorted((home / room).rglob("*.py"))]
    files += sorted((home / "model").glob("clip*.py"))
    named = [(str(path.relative_to(home)), path.read_text("utf-8")) for path in files]
    return digest_of(named)
