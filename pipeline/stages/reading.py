"""Read: WARC files, HTML folders and URL lists to documents, and to captures of their media."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import apache_beam as beam
import pyarrow.parquet as pq

from pipeline.extract.document import extract_document
from pipeline.extract.html_folder import read_folder
from pipeline.extract.limits import ExtractLimits, ReadLimits
from pipeline.extract.warc import read_warc
from pipeline.media.fetch import Fetcher, FetchLimits, Outcome
from pipeline.stages.beam_files import FILES
from pipeline.stages.inputs import FOLDER, URLS, WARC, Input
from pipeline.stages.verdicts import DECISIONS
from schemas.keys import bucket_of, make_key
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Reason, Rejection, Why
from schemas.tables import Decision, rejected

STAGE = "read"
CAPTURES = "captures"
READ = "read"
_LANES = 64


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """What the read stage needs of a recipe.

    Attributes:
        base_url: the URL that an HTML folder stands for; "" for file:// URLs.
        read: bounds on records and pages.
        extract: guards and rules of the extraction.
        fetch: how pages of a URL list are fetched.
    """

    base_url: str = ""
    read: ReadLimits = field(default_factory=ReadLimits)
    extract: ExtractLimits = field(default_factory=ExtractLimits)
    fetch: FetchLimits = field(default_factory=FetchLimits)


@dataclass(eq=False)
class ReadDocuments(beam.PTransform):
    """Documents of the inputs; outputs `documents`, `captures`, `read`, `decisions`."""

    settings: ReadSettings

    def expand(self, inputs: beam.PCollection) -> Any:
        """Four outputs; only pages of URL lists are grouped, by host, before they are fetched."""
        at_rest = (
            inputs
            | "FilesAndFolders" >> beam.Filter(lambda item: item.kind != URLS)
            | "ReadFiles" >> beam.FlatMap(read_input, self.settings)
        )
        fetched = (
            inputs
            | "UrlLists" >> beam.Filter(lambda item: item.kind == URLS)
            | "ReadUrls" >> beam.FlatMap(lambda item: read_urls(item.path))
            | "ByLane" >> beam.Map(lambda url: (lane_of(url, _LANES), url))
            | "Lanes" >> beam.GroupByKey()
            | "FetchPages" >> beam.ParDo(_FetchPages(self.settings.fetch))
        )
        return (
            (at_rest, fetched)
            | beam.Flatten()
            | beam.FlatMap(parse_found, self.settings.extract).with_outputs(
                CAPTURES, READ, DECISIONS, main="documents"
            )
        )


def read_input(source: Input, settings: ReadSettings) -> Iterator[Page | Capture | Rejection]:
    """What one WARC file or folder holds, in order."""
    if source.kind == WARC:
        yield from read_warc(source.path, settings.read, FILES.open)
    elif source.kind == FOLDER:
        yield from read_folder(source.path, settings.base_url, settings.read)


def read_urls(path: str) -> Iterator[str]:
    """The URLs of a list: one a line, or the `url` column of a CSV or Parquet file."""
    if path.endswith(".parquet"):
        with FILES.open(path) as stream, pq.ParquetFile(stream) as table:
            for batch in table.iter_batches(columns=["url"]):
                yield from (url for url in batch.column("url").to_pylist() if url)
        return
    text = FILES.read(path).decode("utf-8-sig", "replace")
    if path.endswith(".csv"):
        yield from (row["url"].strip() for row in csv.DictReader(text.splitlines()) if row["url"])
        return
    lines = (line.strip() for line in text.splitlines())
    yield from (line for line in lines if line and not line.startswith("#"))


def lane_of(url: str, lanes: int) -> int:
    """A lane for the URL's host: a host is fetched by one worker, so that its rate holds."""
    return bucket_of(make_key(urlsplit(url).netloc.lower()), lanes)


def page_of(outcome: Outcome) -> Page | Rejection:
    """The page that came of a fetched URL, or why there is none."""
    body = outcome.body
    if outcome.why is not None or body is None:
        why = outcome.why or Why(Reason.EMPTY_BODY)
        return Rejection("page", make_key(outcome.url), outcome.url, why)
    kind = outcome.content_type.partition(";")[0].strip().lower()
    if kind not in {"text/html", "application/xhtml+xml", ""}:
        why = Why(Reason.NOT_HTML, kind)
        return Rejection("page", make_key(outcome.url, body), outcome.url, why)
    url = outcome.final_url or outcome.url
    return Page(make_key(url, body), url, body, outcome.content_type)


def parse_found(found: Page | Capture | Rejection, limits: ExtractLimits) -> Iterator[Any]:
    """A document with its decision, or a capture, or a decision alone; tagged."""
    if isinstance(found, Capture):
        yield beam.pvalue.TaggedOutput(CAPTURES, found)
        return
    yield beam.pvalue.TaggedOutput(READ, (STAGE, "page"))
    if isinstance(found, Rejection):
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(STAGE, found))
        return
    try:
        document = extract_document(found, limits)
    except BadInput as bad:
        rejection = Rejection("page", found.key, found.url, bad.why)
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(STAGE, rejection))
        return
    yield document
    yield beam.pvalue.TaggedOutput(
        DECISIONS, Decision(STAGE, "page", found.key, found.url, kept=True)
    )


class _FetchPages(beam.DoFn):
    """Pages of the URLs of a lane, fetched politely."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits

    def setup(self) -> None:
        self._fetcher = Fetcher(self._limits)
        self._fetcher.start()

    def process(self, lane: tuple[int, Iterable[str]]) -> Iterator[Page | Rejection]:
        yield from map(page_of, self._fetcher.stream(sorted(set(lane[1]))))

    def teardown(self) -> None:
        self._fetcher.stop()
