"""Read: WARC files, HTML folders and URL lists to documents, and to captures of their media.

A revisit says that a record elsewhere holds its bytes: where there are any, the WARC files' headers
are gone through once more for the records they mean, and those are read by their places.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam

from dedup.canonical_url import TRACKING, canonical_url
from pipeline.extract.alone import PageExtractor
from pipeline.extract.html_folder import read_folder
from pipeline.extract.limits import ExtractLimits, ReadLimits
from pipeline.extract.records import Revisit
from pipeline.extract.warc import Place, find_originals, read_places, read_warc
from pipeline.media.opt_outs import OptOuts, judge_page, read_opt_outs
from pipeline.media.outcome import FetchLimits
from pipeline.media.robots import product_token
from pipeline.stages.asking import Asking, AskWeb, Wanted
from pipeline.stages.beam_files import FILES
from pipeline.stages.inputs import FOLDER, RANGES, URLS, WARC, Input
from pipeline.stages.url_lists import read_urls
from pipeline.stages.verdicts import DECISIONS
from pipeline.stages.warc_lists import read_ranges
from pipeline.store.packs import PackReader
from pipeline.store.web_file import is_web
from schemas.keys import make_key
from schemas.records import Capture, Document, PackRef, Page
from schemas.rejection import BadInput, Reason, Rejection, Why
from schemas.tables import Decision, FetchRow, rejected

STAGE = "read"
CAPTURES = "captures"
READ = "read"
REVISITS = "revisits"
_OTHERS = "others"


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """What the read stage needs of a recipe.

    Attributes:
        base_url: the URL that an HTML folder stands for; "" for file:// URLs.
        read: bounds on records and pages.
        extract: guards and rules of the extraction.
        fetch: how pages of a URL list are fetched.
        tracking: parameters of a URL that make no other page of it.
    """

    base_url: str = ""
    read: ReadLimits = field(default_factory=ReadLimits)
    extract: ExtractLimits = field(default_factory=ExtractLimits)
    fetch: FetchLimits = field(default_factory=FetchLimits)
    tracking: tuple[str, ...] = TRACKING


@dataclass(frozen=True)
class _ReadOutputs:
    """The outputs of ReadDocuments."""

    documents: Any
    captures: Any
    rows: Any
    read: Any
    decisions: Any


@dataclass(eq=False)
class ReadDocuments(beam.PTransform):
    """Documents of the inputs.

    Outputs `documents`, `captures`, `rows` of fetches, `read`, `decisions`.
    """

    settings: ReadSettings
    asking: Asking

    def expand(self, inputs: beam.PCollection) -> Any:
        """Five outputs; small things are grouped: URLs by host, places of records by file."""
        at_rest = (
            inputs
            | "FilesAndFolders" >> beam.Filter(lambda item: item.kind in {WARC, FOLDER})
            | "ReadFiles"
            >> beam.FlatMap(read_input, self.settings).with_outputs(REVISITS, main="found")
        )
        listed = (
            inputs
            | "RecordLists" >> beam.Filter(lambda item: item.kind == RANGES)
            | "ReadLists"
            >> beam.FlatMap(lambda item: read_ranges(item.path, self.settings.read.warc_base))
        )
        sources: Any = {"inputs": inputs, "revisits": at_rest[REVISITS]}
        revisits = sources | FindOriginals(self.settings.read)
        by_place = (
            (listed, revisits.places)
            | "Places" >> beam.Flatten()
            | "PlacesByFile" >> beam.GroupByKey()
            | "ReadPlaces"
            >> beam.FlatMap(lambda group: read_file_places(group[0], group[1], self.settings))
        )
        lines = (
            inputs
            | "UrlLists" >> beam.Filter(lambda item: item.kind == URLS)
            | "ReadUrls" >> beam.FlatMap(lambda item: read_urls(item.path))
        )
        no_urls = lines | "NoUrls" >> beam.Filter(lambda line: isinstance(line, Rejection))
        spellings = (
            lines
            | "Urls" >> beam.Filter(lambda line: isinstance(line, str))
            | "ByPage" >> beam.Map(lambda url: (canonical_url(url, self.settings.tracking), url))
            | "Spellings" >> beam.GroupByKey()
            | "OneSpelling"
            >> beam.FlatMapTuple(lambda _, urls: one_spelling(urls)).with_outputs(
                _OTHERS, main="urls"
            )
        )
        rows = (
            spellings.urls
            | "Wanted" >> beam.Map(lambda url: Wanted(url, "page"))
            | AskWeb(self.asking)
        )
        fetched = rows | "ReadPages" >> beam.ParDo(_ReadPages(self.asking.root))
        out = (
            (at_rest.found, by_place, revisits.settled, no_urls, spellings[_OTHERS], fetched)
            | beam.Flatten()
            | "Parse"
            >> beam.ParDo(_ParsePages(self.settings)).with_outputs(
                CAPTURES, READ, DECISIONS, main="documents"
            )
        )
        return _ReadOutputs(out.documents, out.captures, rows, out.read, out.decisions)


@dataclass(eq=False)
class FindOriginals(beam.PTransform):
    """The places of the records that revisits mean; takes `inputs` and `revisits`.

    Outputs `places` of (file, Place), and `settled`: captures of the media that are meant, and
    rejections of the pages that no record is found for.
    """

    limits: ReadLimits

    def expand(self, collections: Any) -> Any:
        """Two outputs; where there is no revisit, no file is opened."""
        revisits = collections["revisits"]
        marks = beam.pvalue.AsList(
            revisits | "Marks" >> beam.FlatMap(lambda revisit: revisit.marks) | beam.Distinct()
        )
        originals = (
            collections["inputs"]
            | "WarcFiles" >> beam.Filter(lambda item: item.kind == WARC)
            | "Originals" >> beam.FlatMap(originals_in, self.limits, marks)
            | "FirstOriginals" >> beam.CombinePerKey(min)
        )
        return revisits | "PlaceRevisits" >> beam.FlatMap(
            place_revisit, beam.pvalue.AsDict(originals)
        ).with_outputs("settled", main="places")


def originals_in(
    source: Input, limits: ReadLimits, marks: list[str]
) -> Iterator[tuple[str, tuple[str, int]]]:
    """Each of the marks that a record of the file answers to, with file and offset."""
    if not marks:
        return
    try:
        stream = FILES.open(source.path)
    except (FileNotFoundError, PermissionError):
        # Counted where the file is read.
        return
    with stream:
        for mark, offset in find_originals(stream, frozenset(marks), limits):
            yield mark, (source.path, offset)


def place_revisit(revisit: Revisit, originals: Mapping[str, tuple[str, int]]) -> Iterator[Any]:
    """The (file, place) of the record that is meant; else what is known at once, tagged."""
    found = next((originals[mark] for mark in revisit.marks if mark in originals), None)
    if revisit.kind == "media":
        if found is not None:
            yield beam.pvalue.TaggedOutput("settled", Capture(revisit.url, *found))
    elif found is not None:
        path, offset = found
        yield path, Place(offset, url=revisit.url, revisit=revisit)
    else:
        rejection = Rejection("page", revisit.key, revisit.url, Why(Reason.REVISIT))
        yield beam.pvalue.TaggedOutput("settled", rejection)


def read_input(source: Input, settings: ReadSettings) -> Iterator[Any]:
    """What one WARC file or folder holds, in order; revisits are tagged."""
    if source.kind == FOLDER:
        yield from read_folder(source.path, settings.base_url, settings.read)
        return
    try:
        stream = FILES.open(source.path)
    except (FileNotFoundError, PermissionError) as error:
        why = Why(Reason.DAMAGED_RECORD, f"{source.path}: {_words_of(error)}")
        yield Rejection("page", make_key(source.path), source.path, why)
        return
    with stream:
        for found in read_warc(stream, settings.read, name=source.path):
            if isinstance(found, Revisit):
                yield beam.pvalue.TaggedOutput(REVISITS, found)
            else:
                yield found


def read_file_places(
    path: str, places: Iterable[Place | Rejection], settings: ReadSettings
) -> Iterator[Page | Capture | Rejection]:
    """What lies at some places of a WARC file, each read by itself, in order."""
    wanted = []
    for place in places:
        if isinstance(place, Rejection):
            yield place
        else:
            wanted.append(place)
    if not wanted:
        return
    if is_web(path) and settings.fetch.offline:
        yield from (
            _missing(path, place, Why(Reason.OFFLINE, detail="fetch.offline")) for place in wanted
        )
        return
    try:
        stream = FILES.open(path)
    except (FileNotFoundError, PermissionError) as error:
        why = Why(Reason.DAMAGED_RECORD, f"{path}: {_words_of(error)}")
        yield from (_missing(path, place, why) for place in wanted)
        return
    with stream:
        yield from read_places(stream, path, wanted, settings.read)


def _missing(path: str, place: Place, why: Why) -> Rejection:
    return Rejection("page", make_key(f"{path}@{place.offset}"), place.url or path, why)


def _words_of(error: OSError) -> str:
    """Why a file is not to be had."""
    return "no such file" if isinstance(error, FileNotFoundError) else "cannot be opened"


def one_spelling(urls: Iterable[str]) -> Iterator[Any]:
    """Of the URLs of one page the shortest, and a rejection for each other one; tagged."""
    first, *others = sorted(set(urls), key=lambda url: (len(url), url))
    yield first
    for url in others:
        why = Why(Reason.DUPLICATE_URL, detail=first)
        yield beam.pvalue.TaggedOutput(_OTHERS, Rejection("page", make_key(url), url, why))


def page_of(row: FetchRow, read: Callable[[PackRef], bytes]) -> Page | Rejection:
    """The page that came of a fetched URL, or why there is none.

    Args:
        row: what came of it.
        read: gives the bytes behind a ref.
    """
    if row.why is not None or row.ref is None:
        return Rejection("page", make_key(row.url), row.url, row.why or Why(Reason.EMPTY_BODY))
    body = read(row.ref)
    kind = row.content_type.partition(";")[0].strip().lower()
    if kind not in {"text/html", "application/xhtml+xml", ""}:
        why = Why(Reason.NOT_HTML, kind)
        return Rejection("page", make_key(row.url, body), row.url, why)
    url = row.final_url or row.url
    return Page(make_key(url, body), url, body, row.content_type)


def willing(page: Page, limits: FetchLimits, opt_outs: OptOuts) -> Page | Rejection:
    """The page, unless a list or its own head says that it is not to be in a corpus."""
    agent = product_token(limits.user_agent)
    why = opt_outs.judge(page.url) or judge_page(
        page.body, agent, limits.opt_out_words, limits.respect_tdm
    )
    return page if why is None else Rejection("page", page.key, page.url, why)


def parse_found(
    found: Page | Capture | Rejection, extract: Callable[[Page], Document]
) -> Iterator[Any]:
    """A document with its decision, or a capture, or a decision alone; tagged."""
    if isinstance(found, Capture):
        yield beam.pvalue.TaggedOutput(CAPTURES, found)
        return
    yield beam.pvalue.TaggedOutput(READ, (STAGE, "page"))
    if isinstance(found, Rejection):
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(STAGE, found))
        return
    try:
        document = extract(found)
    except BadInput as bad:
        rejection = Rejection("page", found.key, found.url, bad.why)
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(STAGE, rejection))
        return
    yield document
    yield beam.pvalue.TaggedOutput(
        DECISIONS, Decision(STAGE, "page", found.key, found.url, kept=True)
    )


class _ParsePages(beam.DoFn):
    """Documents of pages; what takes too long or too much memory is a decision too."""

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings

    def setup(self) -> None:
        self._extractor = PageExtractor(self._settings.extract)
        self._opt_outs = read_opt_outs(self._settings.fetch.opt_out_files, FILES.read)

    def process(self, found: Page | Capture | Rejection) -> Iterator[Any]:
        if isinstance(found, Page):
            found = willing(found, self._settings.fetch, self._opt_outs)
        yield from parse_found(found, self._extractor.extract)

    def teardown(self) -> None:
        self._extractor.close()


class _ReadPages(beam.DoFn):
    """Pages of rows of fetches."""

    def __init__(self, root: str) -> None:
        self._root = root

    def setup(self) -> None:
        self._packs = PackReader(self._root, files=FILES)

    def process(self, row: FetchRow) -> Iterator[Page | Rejection]:
        yield page_of(row, self._packs.read)

    def teardown(self) -> None:
        self._packs.close()
