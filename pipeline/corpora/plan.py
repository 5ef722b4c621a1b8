"""The stages of a build in order, each with its graph: the whole of a build on one page."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import apache_beam as beam

from pipeline.corpora.hosts import HOSTS, SOURCES, JudgeHosts, MeasureHosts
from pipeline.corpora.m3w_stages import m3w_stages, media_tables
from pipeline.corpora.named_files import (
    fetch_digests,
    file_digest,
    hash_list_digests,
    obelics_files,
)
from pipeline.corpora.pair_links import LinkPairs, PairLimits
from pipeline.corpora.pairs import (
    BuildPairs,
    ScorePairs,
    SelectPairs,
    WithVectors,
    pair_bytes,
    pair_subject,
)
from pipeline.corpora.pools import SCORES, pool_threshold
from pipeline.corpora.request import Request
from pipeline.corpora.unsafe_media import unsafe_stages
from pipeline.filters.pairs import LtipLimits
from pipeline.filters.sources import HostFigures
from pipeline.media.glance import header_limits
from pipeline.recipe import BuildRecipe
from pipeline.stages.asking import Asking, make_asking
from pipeline.stages.beam_files import FILES
from pipeline.stages.copies import COPIES, DropEvaluationCopies
from pipeline.stages.decoding import DecodeMedia, MediaLimits
from pipeline.stages.duplicates import DUPLICATES, DropNearDuplicates
from pipeline.stages.evaluation_texts import DOCUMENT_TEXTS, PAIR_TEXTS, DropEvaluationTexts
from pipeline.stages.fetching import FetchMedia, document_links, listed_images
from pipeline.stages.media_out import TAKEN_OUT
from pipeline.stages.one_stays import NEWEST, SAME_TEXT, DropSameText, KeepNewest
from pipeline.stages.paragraphs import OBELICS, PARAGRAPHS, FilterParagraphs, ObelicsSettings
from pipeline.stages.reading import ReadDocuments, ReadSettings
from pipeline.stages.repeated import (
    REPEATED,
    REPEATED_TEXTS,
    DropRepeatedParagraphs,
    RepeatedLimits,
)
from pipeline.stages.run import Outputs, Place, Stage, Work
from pipeline.stages.score_pool import CountScores, ScoreCount
from pipeline.stages.screening import (
    SCREEN,
    TEXT,
    ScreenDocuments,
    ScreenLimits,
    judge_text,
)
from pipeline.stages.shards import WriteShards
from pipeline.stages.similarity import ClipChoice, EmbedMedia, buckets_for
from pipeline.stages.url_map import read_url_map
from pipeline.stages.verdicts import Keep, Subject, came_in, in_order
from pipeline.store.ledger import read_retries, retried
from schemas.records import Capture, Document, Embedded, Fetched, Found, Pair, PairLink, TakenOut
from schemas.shard import encode_pair


def plan(request: Request, work: Work) -> Iterator[Stage]:
    """The stages in order; a later one may depend on what earlier ones found, so run as you go."""
    recipe = request.recipe
    retries = read_retries(work.root, FILES)
    listed_media = hash_list_digests(recipe)
    pages = (_settings(recipe), *fetch_digests(recipe), retried(retries, "page"))
    yield Stage("read", (request.inputs, pages), (), partial(_read, request))
    screen = ScreenLimits(recipe.language, recipe.urls, recipe.flagged, recipe.pii)
    listed = file_digest(recipe.flagged.words_file)
    yield Stage("screen", (screen, listed), ("read",), partial(_screen, screen))
    if "m3w" in recipe.corpora:
        yield Stage("text", (recipe.gopher,), ("screen",), partial(_text, request))
        judged = "text"
        if recipe.obelics.enabled:
            judged = "obelics"
            rules = ObelicsSettings(recipe.obelics, recipe.flagged)
            files = tuple(map(file_digest, obelics_files(recipe)))
            yield Stage("obelics", (rules, files), ("text",), partial(_obelics, rules))
        if recipe.repeated.min_pages:
            cut = partial(_repeated, recipe.repeated, judged)
            yield Stage("repeated", (recipe.repeated,), (judged,), cut)
            judged = "repeated"
        copies = partial(_duplicates, request, judged)
        yield Stage("duplicates", (recipe.minhash,), (judged,), copies)
        yield from _texts_out(request, "duplicates", DOCUMENT_TEXTS)
    sources: tuple[str, ...] = (request.document_stage,) if "m3w" in recipe.corpora else ()
    if request.pair_corpora:
        limits = PairLimits(request.pair_corpora, recipe.align, recipe.ltip.of_texts, recipe.vtp)
        yield Stage("links", (limits,), ("screen",), partial(_links, limits))
        yield from _texts_out(request, "links", PAIR_TEXTS)
        sources = (*sources, request.link_stage)
    media_urls = (
        (recipe.fetch, recipe.read, recipe.urls, header_limits(recipe.image)),
        (*fetch_digests(recipe), retried(retries, "image", "video"), listed_media),
    )
    yield Stage("fetch", media_urls, ("read", *sources), partial(_fetch, request))
    media = MediaLimits(recipe.image, recipe.video, recipe.unsafe.hash_lists)
    yield Stage("decode", (media,), ("fetch",), partial(_decode, media))
    if request.indexes:
        policy = (recipe.evaluation_copy, request.digests)
        yield Stage("copies", policy, ("decode",), partial(_copies, request))
    if recipe.clip.scores:
        settings = (recipe.clip, request.digests)
        run = partial(_embed, request, recipe.clip)
        yield Stage("embed", settings, (request.scored_stage,), run)
    if recipe.filter_network.scores and request.pair_corpora:
        settings = (recipe.filter_network, request.digests)
        run = partial(_embed, request, recipe.filter_network)
        yield Stage("embed_filter", settings, (request.scored_stage,), run)
    yield from unsafe_stages(request)
    yield from _corpora(request, work)


def _texts_out(request: Request, before: str, subject: Subject) -> Iterator[Stage]:
    """The stage that takes evaluation texts out of what another one left, where there are any."""
    if request.text_indexes:
        settings = (request.recipe.evaluation_text, request.digests)
        run = partial(_evaluation_texts, request, before, subject)
        yield Stage(subject.stage, settings, (before,), run)


def _corpora(request: Request, work: Work) -> Iterator[Stage]:
    """The stages that join documents with media and write shards."""
    recipe = request.recipe
    media = (request.media_stage, "embed") if recipe.clip.scores else (request.media_stage,)
    if "m3w" in recipe.corpora:
        yield from m3w_stages(request, work, media)
    for corpus in request.pair_corpora:
        limits = PairLimits((corpus,), recipe.align, recipe.ltip.of_texts, recipe.vtp)
        name = f"{corpus}_pairs"
        settings = (limits, recipe.clip, recipe.filter_network)
        filtered = ("embed_filter",) if recipe.filter_network.scores else ()
        after = (request.link_stage, *media, *filtered)
        yield Stage(name, settings, after, partial(_pairs, request, corpus, limits))
        threshold = pool_threshold(work, corpus, recipe.similarity)
        yield Stage(
            corpus,
            (threshold, recipe.shards, _hosts_judged(request, corpus)),
            (name,),
            partial(_select, request, corpus, threshold),
        )


def _settings(recipe: BuildRecipe) -> ReadSettings:
    """What the read stage needs."""
    tracking = recipe.urls.tracking_parameters
    return ReadSettings(recipe.base_url, recipe.read, recipe.extract, recipe.fetch, tracking)


def _asking(request: Request, work: Work, lists: tuple[str, ...] = ()) -> Asking:
    """How a stage that begins now asks the web; media are held against lists of digests."""
    recipe = request.recipe
    return make_asking(work.root, recipe.fetch, recipe.image, datetime.now(UTC), lists)


def _read(request: Request, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    del place
    out = (
        pipeline
        | beam.Create(request.inputs, reshuffle=len(request.inputs) > 1)
        | ReadDocuments(_settings(request.recipe), _asking(request, work))
    )
    tables = {"documents": (Document, out.documents), "captures": (Capture, out.captures)}
    return Outputs(tables, (out.decisions,), (out.read,), fetches=out.rows)


def _screen(limits: ScreenLimits, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    del place
    documents = work.table(pipeline, "read", "documents", Document)
    screened = documents | ScreenDocuments(limits)
    newest = screened.kept | KeepNewest(limits.urls.tracking_parameters)
    return Outputs(
        {"documents": (Document, newest.kept)},
        (screened.decisions, newest.decisions),
        (came_in(documents, SCREEN), came_in(screened.kept, NEWEST)),
        (screened.replaced,),
    )


def _text(request: Request, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    del place
    documents = work.table(pipeline, "screen", "documents", Document)
    out = documents | Keep(TEXT, partial(judge_text, limits=request.recipe.gopher))
    return Outputs(
        {"documents": (Document, out.kept)}, (out.decisions,), (came_in(documents, TEXT),)
    )


def _obelics(rules: ObelicsSettings, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    del place
    out = work.table(pipeline, "text", "documents", Document) | FilterParagraphs(rules)
    read = in_order(out.read, PARAGRAPHS.stage, OBELICS.stage)
    return Outputs({"documents": (Document, out.kept)}, (out.decisions,), read)


def _repeated(
    limits: RepeatedLimits, judged: str, pipeline: beam.Pipeline, work: Work, place: Place
) -> Outputs:
    del place
    out = work.table(pipeline, judged, "documents", Document) | DropRepeatedParagraphs(limits)
    read = in_order(out.read, REPEATED_TEXTS.stage, REPEATED.stage)
    return Outputs({"documents": (Document, out.kept)}, (out.decisions,), read)


def _duplicates(
    request: Request, judged: str, pipeline: beam.Pipeline, work: Work, place: Place
) -> Outputs:
    del place
    documents = work.table(pipeline, judged, "documents", Document)
    once = documents | DropSameText()
    out = once.kept | DropNearDuplicates(request.recipe.minhash)
    read = came_in(documents, SAME_TEXT), came_in(once.kept, DUPLICATES)
    decisions = once.decisions, out.decisions
    return Outputs({"documents": (Document, out.kept)}, decisions, read)


def _links(limits: PairLimits, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    del place
    out = work.table(pipeline, "screen", "documents", Document) | LinkPairs(limits)
    read = in_order(out.read, *(f"{corpus}_text" for corpus in limits.corpora))
    return Outputs({"links": (PairLink, out.links)}, (out.decisions,), read, (out.replaced,))


def _evaluation_texts(
    request: Request,
    before: str,
    subject: Subject,
    pipeline: beam.Pipeline,
    work: Work,
    place: Place,
) -> Outputs:
    del place
    record, table = (Document, "documents") if subject is DOCUMENT_TEXTS else (PairLink, "links")
    items = work.table(pipeline, before, table, record)
    limits = request.recipe.evaluation_text
    out = items | DropEvaluationTexts(subject, request.text_indexes, limits)
    return Outputs({table: (record, out.kept)}, (out.decisions,), (came_in(items, subject),))


def _fetch(request: Request, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    links = []
    if "duplicates" in work.results and "m3w" in request.recipe.corpora:
        documents = work.table(pipeline, request.document_stage, "documents", Document)
        in_text = documents | "DocumentLinks" >> beam.FlatMap(document_links)
        links.append(in_text | "Images" >> beam.Filter(lambda link: link[1] == "image"))
    if request.pair_corpora:
        pairs = work.table(pipeline, request.link_stage, "links", PairLink)
        links.append(pairs | "PairUrls" >> beam.Map(lambda link: (link.url, link.kind)))
    recipe = request.recipe
    next(read_url_map(recipe.fetch.url_map), None)  # what is no such table is told here
    mapped = pipeline | "UrlMap" >> beam.Create([recipe.fetch.url_map])
    captures = (
        work.table(pipeline, "read", "captures", Capture),
        mapped | "ReadUrlMap" >> beam.FlatMap(read_url_map),
    ) | "Captures" >> beam.Flatten()
    inputs: Any = {"links": links | beam.Flatten(), "captures": captures}
    asking = _asking(request, work, recipe.unsafe.hash_lists)
    out = inputs | FetchMedia(place, recipe.read, recipe.urls, asking)
    tables: dict[str, tuple[type, Any]] = {"fetched": (Fetched, out.fetched)}
    if recipe.unsafe.hash_lists:
        tables[TAKEN_OUT] = TakenOut, out.rows | "Listed" >> beam.FlatMap(listed_images)
    return Outputs(tables, (out.decisions,), (out.read,), fetches=out.rows)


def _decode(limits: MediaLimits, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    out = work.table(pipeline, "fetch", "fetched", Fetched) | DecodeMedia(place, limits)
    tables = {"found": (Found, out.found), TAKEN_OUT: (TakenOut, out.taken_out)}
    return Outputs(tables, (out.decisions,), (out.read,))


def _copies(request: Request, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    found = work.table(pipeline, "decode", "found", Found)
    limits = request.recipe.evaluation_copy
    out = found | DropEvaluationCopies(place.root, request.indexes, limits)
    tables = {"found": (Found, out.kept), TAKEN_OUT: (TakenOut, out.taken_out)}
    return Outputs(tables, (out.decisions,), (came_in(found, COPIES),))


def _embed(
    request: Request, choice: ClipChoice, pipeline: beam.Pipeline, work: Work, place: Place
) -> Outputs:
    stage = request.scored_stage
    found = work.table(pipeline, stage, "found", Found)
    buckets = buckets_for(work.rows(stage, "found"))
    rows = found | EmbedMedia(choice, place.root, buckets)
    return Outputs({"embedded": (Embedded, rows)})


def _pairs(
    request: Request,
    corpus: str,
    limits: PairLimits,
    pipeline: beam.Pipeline,
    work: Work,
    place: Place,
) -> Outputs:
    links = work.table(pipeline, request.link_stage, "links", PairLink) | "OfCorpus" >> beam.Filter(
        lambda link: link.corpus == corpus
    )
    inputs: Any = {"links": links, **media_tables(request, pipeline, work)}
    scored, read, decisions, tables = inputs | BuildPairs(corpus, limits)
    buckets = buckets_for(work.rows(request.link_stage, "links"))
    pairs = scored | ScorePairs(request.recipe.clip, place.root, buckets)
    network = request.recipe.filter_network
    if network.scores:
        embedded = work.table(pipeline, "embed_filter", "embedded", Embedded)
        again: Any = {"pairs": pairs, "embedded": embedded}
        by_network = ScorePairs(network, place.root, buckets, "filter_score")
        pairs = again | "ForFilter" >> WithVectors() | "FilterScores" >> by_network
    ranks = pairs | "Ranks" >> beam.Map(lambda pair: pair.rank)
    tables |= {"pairs": (Pair, pairs), SCORES: (ScoreCount, ranks | CountScores())}
    if corpus == "ltip":
        tables[HOSTS] = HostFigures, pairs | MeasureHosts()
    return Outputs(tables, tuple(decisions), (read,))


def _hosts_judged(request: Request, corpus: str) -> LtipLimits | None:
    """The limits on what is measured of hosts, where there are any."""
    limits = request.recipe.ltip
    return limits if corpus == "ltip" and limits.judges_hosts else None


def _select(
    request: Request,
    corpus: str,
    threshold: float | None,
    pipeline: beam.Pipeline,
    work: Work,
    place: Place,
) -> Outputs:
    pairs = work.table(pipeline, f"{corpus}_pairs", "pairs", Pair)
    out = pairs | SelectPairs(corpus, threshold)
    kept, decisions = out.kept, [out.decisions]
    read = [came_in(pairs, pair_subject(f"{corpus}_similarity"))]
    if limits := _hosts_judged(request, corpus):
        hosts = work.table(pipeline, f"{corpus}_pairs", HOSTS, HostFigures)
        read.append(came_in(kept, SOURCES))
        inputs: Any = {"pairs": kept, "hosts": hosts}
        judged = inputs | JudgeHosts(limits)
        kept = judged.kept
        decisions.append(judged.decisions)
    shards = kept | WriteShards(place, corpus, encode_pair, pair_bytes, request.recipe.shards)
    return Outputs({}, tuple(decisions), tuple(read), shards=shards)
