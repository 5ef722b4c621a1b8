"""Ask the web for URLs, once: what the ledger knows is taken from there, the rest is fetched.

A host's URLs stay in one worker's hands, so that its rate holds; all hosts of a bundle are fetched
by one event loop, since each of them alone has to be waited for most of the time.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import apache_beam as beam

from pipeline.media.checks import make_checks
from pipeline.media.fetch import Fetcher
from pipeline.media.glance import Seen
from pipeline.media.image import ImageLimits
from pipeline.media.known import Memory, known_row
from pipeline.media.outcome import FetchLimits, Outcome
from pipeline.stages.beam_files import FILES, is_local
from pipeline.stages.listed import lists_of, still_listed, without_listed
from pipeline.stages.tables import ReadTable
from pipeline.store.ledger import LEDGER, LedgerWriter, leftovers, read_retries, row_files
from schemas.keys import bucket_of, make_key
from schemas.rejection import Reason, Why
from schemas.tables import FetchRow, told

_LANES = 64
_AT_ONCE = 500_000
"""URLs that are held in memory before they are fetched."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A URL to ask for, and as what: page, image or video."""

    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class Asking:
    """How a stage asks the web.

    Attributes:
        root: the work folder, in which the ledger lies.
        memory: which earlier fetches count; holds the recipe's limits.
        rows: the files of the ledger.
        hash_lists: files of digests of media that are not kept.
    """

    root: str
    memory: Memory
    rows: tuple[str, ...] = ()
    hash_lists: tuple[str, ...] = ()


def make_asking(
    root: str,
    fetch: FetchLimits,
    image: ImageLimits,
    now: datetime,
    hash_lists: tuple[str, ...] = (),
) -> Asking:
    """How a stage asks the web that begins now; what killed builds left is cleared away."""
    if is_local(root):
        shutil.rmtree(turns_of(root), ignore_errors=True)  # its times are of a clock long reset
    paths = FILES.list(f"{root}/{LEDGER}")
    for path in leftovers(paths):
        FILES.remove(path)
    since = iso_time(now - timedelta(days=min(fetch.max_age_days, 36_500)))
    memory = Memory(since, read_retries(root, FILES), fetch, image)
    return Asking(root, memory, row_files(paths), hash_lists)


def turns_of(root: str) -> str:
    """The folder in which the workers of this machine share the turns of hosts."""
    return f"{root}/{LEDGER}/turns"


def iso_time(when: datetime) -> str:
    """A time as the ledger has it: text that sorts as the times do."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(eq=False)
class AskWeb(beam.PTransform):
    """Rows of what came of URLs; takes Wanted."""

    asking: Asking

    def expand(self, wanted: beam.PCollection) -> Any:
        """One row a URL and kind."""
        known = wanted.pipeline | "Ledger" >> ReadTable(FetchRow, self.asking.rows)
        sources = {
            "wanted": wanted | "ByUrl" >> beam.Map(lambda one: (one.url, one.kind)),
            "known": known | "KnownByUrl" >> beam.Map(lambda row: (row.url, row)),
        }
        sorted_out = (
            sources
            | beam.CoGroupByKey()
            | "LookUp" >> beam.ParDo(_LookUp(self.asking)).with_outputs("new", main="known")
        )
        asked = (
            sorted_out.new
            | "ByLane" >> beam.Map(lambda one: (lane_of(one.url, _LANES), one))
            | "Lanes" >> beam.GroupByKey()
            | "Ask" >> beam.ParDo(_Ask(self.asking))
        )
        return (sorted_out.known, asked) | "Rows" >> beam.Flatten()


def lane_of(url: str, lanes: int) -> int:
    """A lane for the URL's host: a host is fetched by one worker, so that its rate holds."""
    try:
        host = urlsplit(url).netloc.lower()
    except ValueError:  # no URL, which its fetching tells
        host = ""
    return bucket_of(make_key(host), lanes)


def row_of(outcome: Outcome, kind: str, now: datetime) -> FetchRow:
    """An outcome as a row, its bytes left out."""
    why = outcome.why
    if why is None and not outcome.body:
        why = Why(Reason.EMPTY_BODY)
    offline = why is not None and why.reason is Reason.OFFLINE
    seen = outcome.seen or Seen()
    return FetchRow(
        outcome.url,
        kind,
        source="" if offline else "web",
        final_url=outcome.final_url,
        status=outcome.status,
        **told(why),
        time="" if offline else iso_time(now),
        seconds=round(outcome.seconds, 4),
        wire_bytes=outcome.wire_bytes,
        bytes=len(outcome.body or b""),
        content_type=outcome.content_type,
        format=seen.format,
        width=seen.width,
        height=seen.height,
    )


class _LookUp(beam.DoFn):
    """The row that is known of a URL, or a Wanted under the tag `new`, for each kind of it."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def setup(self) -> None:
        self._lists = lists_of(self._asking.hash_lists)

    def process(self, found: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[Any]:
        url, groups = found
        rows = list(groups["known"])
        for kind in sorted(set(groups["wanted"])):
            row = known_row(rows, kind, self._asking.memory)
            if row is not None and still_listed(row, self._lists):
                yield row
            else:
                yield beam.pvalue.TaggedOutput("new", Wanted(url, kind))


class _Ask(beam.DoFn):
    """Rows of the URLs of some lanes, each given away once it is safe in the ledger."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def setup(self) -> None:
        limits = self._asking.memory.fetch
        checks = make_checks(limits, self._asking.memory.image, FILES.read)
        root = self._asking.root
        self._fetcher = Fetcher(
            limits, checks=checks, turns=turns_of(root) if is_local(root) else ""
        )
        self._lists = lists_of(self._asking.hash_lists)
        self._fetcher.start()

    def start_bundle(self) -> None:
        self._waiting: list[Wanted] = []

    def process(self, lane: tuple[int, Iterable[Wanted]]) -> Iterator[FetchRow]:
        self._waiting += lane[1]
        if len(self._waiting) >= _AT_ONCE:
            yield from self._ask()

    def finish_bundle(self) -> Iterator[Any]:
        window = beam.window.GlobalWindow()
        for row in self._ask():
            yield beam.utils.windowed_value.WindowedValue(row, window.max_timestamp(), (window,))

    def teardown(self) -> None:
        self._fetcher.stop()

    def _ask(self) -> Iterator[FetchRow]:
        for kinds in _by_turns(self._waiting):
            yield from self._ask_once(kinds)
        self._waiting = []

    def _ask_once(self, kinds: dict[str, str]) -> Iterator[FetchRow]:
        writer = LedgerWriter(self._asking.root, files=FILES)
        try:
            for answer in self._fetcher.stream(sorted(kinds), kinds):
                is_page = kinds[answer.url] == "page"
                outcome = answer if is_page else without_listed(answer, self._lists)
                row = row_of(outcome, kinds[outcome.url], datetime.now(UTC))
                if row.source:
                    yield from writer.add(row, outcome.body if row.reason is None else None)
                else:
                    yield row
            yield from writer.close()
        finally:
            writer.abort()


def _by_turns(wanted: Iterable[Wanted]) -> list[dict[str, str]]:
    """The kind of each URL; a URL wanted as two kinds is asked for twice, one after the other."""
    turns: list[dict[str, str]] = [{}]
    for one in sorted(set(wanted), key=lambda one: (one.url, one.kind)):
        turn = next((turn for turn in turns if one.url not in turn), None)
        if turn is None:
            turns.append(turn := {})
        turn[one.url] = one.kind
    return turns
