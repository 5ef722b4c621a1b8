"""The report as one HTML page: figures first, then what they are made of, then samples to read."""

import json
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from pipeline.report.charts import spread_chart
from pipeline.report.corpora import CorpusFigures
from pipeline.report.funnel import funnel_table, reason_cards
from pipeline.report.gallery import pair_card, picture, sequence_card
from pipeline.report.groups import groups_table
from pipeline.report.markup import (
    Markup,
    bytes_of,
    count_of,
    escaped,
    figure_of,
    joined,
    link,
    share_of,
    tag,
)
from pipeline.report.notes import notes_of
from pipeline.report.samples import Shown
from pipeline.report.verdicts import Removal, Verdicts
from schemas.manifest import Manifest

TITLES = {
    "m3w": "M3W: interleaved sequences",
    "align": "ALIGN: images with their alt texts",
    "ltip": "LTIP: images with long descriptions",
    "vtp": "VTP: videos with texts",
}
_MEASURES = {
    "images": "images a sample",
    "texts": "texts a sample",
    "words": "words a sample",
    "score": "CLIP score a sample",
    "size": "bytes a sample",
}


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables of an output say, in short.

    Attributes:
        verdicts: the decisions.
        corpora: the shards' indexes.
        removed: data URIs of media taken out as evaluation copies, by key; those to be had.
        originals: data URIs of the evaluation data that they are copies of, by set and id.
    """

    verdicts: Verdicts
    corpora: list[CorpusFigures]
    removed: dict[str, str] = field(default_factory=dict)
    originals: dict[tuple[str, str], str] = field(default_factory=dict)


def render_report(manifest: Manifest, tables: Tables, samples: list[Shown]) -> str:
    """The whole page; equal for equal arguments."""
    sections = dict(_sections(manifest, tables, samples))
    links = [
        tag("a", title.partition(":")[0], href=f"#{name}") for name, (title, _) in sections.items()
    ]
    main = [
        tag("section", tag("h2", title), *content, id=name)
        for name, (title, content) in sections.items()
    ]
    parts = [
        _header(manifest, tables, samples),
        tag("nav", tag("div", *links), aria_label="Sections"),
        tag("main", *main),
        tag("footer", "Written by ", manifest.software, ". One file: nothing is loaded."),
    ]
    return whole_page(f"Build report: {manifest.recipe_name}", parts)


def whole_page(title: str, parts: Iterable[Markup]) -> str:
    """The file around its visible parts; it loads nothing and runs nothing."""
    return _package_text("page.html").substitute(
        title=escaped(title),
        style=_package_text("page.css").template,
        body=joined(parts, "\n"),
    )


def _package_text(name: str) -> string.Template:
    """A text that lies beside this module."""
    text = resources.files("pipeline.report").joinpath(name).read_text(encoding="utf-8")
    return string.Template(text)


def _header(manifest: Manifest, tables: Tables, samples: list[Shown]) -> Markup:
    """Title, key figures, and what a reader has to know first."""
    notes = [
        tag("li", text, class_=kind)
        for kind, text in notes_of(manifest, tables.verdicts, tables.corpora, samples)
    ]
    named = f"{manifest.software} · recipe {manifest.recipe_name} · {manifest.recipe_digest}"
    return tag(
        "header",
        tag("h1", "What this build made, and what it left out"),
        tag("p", named, class_="facts"),
        tag("div", *_tiles(manifest, tables), class_="tiles"),
        tag("ul", *notes, class_="notes") if notes else Markup(),
        class_="top",
    )


def _tiles(manifest: Manifest, tables: Tables) -> Iterator[Markup]:
    """The key figures."""
    pages = sum(stage.read for stage in manifest.stages if stage.kind == "page")
    yield _tile(figure_of(pages), "pages read")
    for figures in tables.corpora:
        word = "sequences" if figures.name == "m3w" else "pairs"
        yield _tile(figure_of(figures.samples), f"{figures.name} {word}")
    images = sum(figures.sums["images"] for figures in tables.corpora)
    yield _tile(figure_of(images), "images in shards")
    yield _tile(bytes_of(sum(shard.bytes for shard in manifest.shards)), "in all shards")
    refused = sum(sum(stage.rejected.values()) for stage in manifest.stages)
    yield _tile(figure_of(refused), "rejections, each with a reason")


def _tile(value: str, label: str) -> Markup:
    return tag("div", tag("b", value), tag("span", label), class_="tile")


def _sections(
    manifest: Manifest, tables: Tables, samples: list[Shown]
) -> Iterator[tuple[str, tuple[str, list[Markup]]]]:
    """Name, title and content of each section that has any."""
    yield "corpora", ("Corpora", [_corpora(tables.corpora)])
    yield "funnel", ("Funnel", list(funnel_table(manifest.stages)))
    if tables.verdicts.refused:
        yield "reasons", ("Why not", list(reason_cards(manifest.stages, tables.verdicts)))
    groups = list(groups_table(tables.verdicts.groups.largest()))
    if groups:
        yield "copied", ("Copied documents", groups)
    copies = list(_copies(tables))
    if copies:
        yield "evaluation", ("Evaluation copies", copies)
    for corpus in dict.fromkeys(shown.corpus for shown in samples):
        shown = [sample for sample in samples if sample.corpus == corpus]
        yield corpus, (TITLES.get(corpus, corpus), list(_gallery(corpus, shown, tables.corpora)))
    yield "provenance", ("Provenance", list(_provenance(manifest)))


def _corpora(corpora: Iterable[CorpusFigures]) -> Markup:
    """A card for each corpus with its figures and spreads."""
    cards = []
    for figures in corpora:
        facts = [
            count_of(figures.samples, "sample"),
            count_of(figures.shards, "shard"),
            bytes_of(figures.bytes),
            count_of(figures.sums["words"], "word"),
        ]
        charts = [
            spread_chart(label, figures.spreads[measure])
            for measure, label in _MEASURES.items()
            if _is_telling(figures, measure)
        ]
        title = tag("h3", TITLES.get(figures.name, figures.name))
        facts_line = tag("p", " · ".join(facts), class_="facts")
        cards.append(tag("article", title, facts_line, *charts, class_="card"))
    return tag("div", *cards, class_="grid corpora")


def _is_telling(figures: CorpusFigures, measure: str) -> bool:
    """Whether a measure differs between samples: each pair has one text and one image."""
    spread = figures.spreads[measure]
    return bool(spread.count) and (figures.name == "m3w" or measure not in ("images", "texts"))


def _copies(tables: Tables) -> Iterator[Markup]:
    """What was taken out as a copy of evaluation data, and what was only flagged."""
    verdicts = tables.verdicts
    taken = "Taken out by evaluation set", "removed"
    yield from _matches(taken, verdicts.copies, verdicts.removals, tables)
    kept = "Kept, but flagged", "flagged"
    yield from _matches(kept, verdicts.flagged, verdicts.flags, tables)


def _matches(
    words: tuple[str, str],
    counts: Mapping[str, int],
    matches: Sequence[Removal],
    tables: Tables,
) -> Iterator[Markup]:
    """A sentence and a table of matches: how many of each set, and the first few."""
    if not counts:
        return
    total, listed = sum(counts.values()), len(matches)
    lead = f"{words[0]}: {_by_set(counts)}."
    if listed < total:
        lead += f" {listed} of {figure_of(total)} are listed."
    yield tag("p", lead, class_="lead")
    rows = []
    for removal in matches:
        thumbnail = tables.removed.get(removal.key, "")
        original = tables.originals.get((removal.eval_set, removal.eval_id), "")
        rows.append(
            tag(
                "tr",
                tag("td", picture(thumbnail, "")),
                tag("td", picture(original, "")),
                tag("td", removal.eval_set, tag("small", removal.eval_id)),
                tag("td", _likeness_of(removal), tag("small", removal.kind)),
                tag("td", link(removal.url)),
            )
        )
    titles = (words[1], "original", "evaluation set and id", "likeness", "from")
    names = [tag("th", name) for name in titles]
    yield tag("table", tag("thead", tag("tr", *names)), tag("tbody", *rows), class_="stack copies")


def _by_set(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{name}: {figure_of(count)}" for name, count in sorted(counts.items()))


def _likeness_of(removal: Removal) -> str:
    """How alike a copy and its original are, of at least what."""
    value, limit = figure_of(removal.value), figure_of(removal.limit)
    if removal.is_text:
        return f"{value} of the text's n-grams, of at least {limit}"
    return f"{value} of at least {limit}"


def _gallery(corpus: str, shown: list[Shown], corpora: list[CorpusFigures]) -> Iterator[Markup]:
    """Samples of one corpus: taken at equal steps, then those with the lowest scores."""
    total = sum(figures.samples for figures in corpora if figures.name == corpus)
    by_lot = [sample for sample in shown if not sample.is_lowest]
    lowest = [sample for sample in shown if sample.is_lowest]
    yield tag("p", _how_chosen(by_lot, total), class_="lead")
    card, kind = (sequence_card, "grid wide") if corpus == "m3w" else (pair_card, "grid pairs")
    yield tag("div", *map(card, by_lot), class_=kind)
    if lowest:
        yield tag("h3", "The lowest scores that were kept", class_="group")
        yield tag("div", *map(card, lowest), class_=kind)


def _how_chosen(shown: list[Shown], total: int) -> str:
    """How the samples were chosen, and how many of them name a licence."""
    licensed = sum(bool(sample.record and sample.record.licence) for sample in shown)
    how = (
        "All there are."
        if len(shown) == total
        else f"{len(shown)} of {figure_of(total)} ({share_of(len(shown), total)}), taken at equal "
        "steps through the shards, whose order is that of content digests: nobody chose them."
    )
    return f"{how} Evidence of a licence was found on the page of {figure_of(licensed)}."


def _provenance(manifest: Manifest) -> Iterator[Markup]:
    """Inputs, models, thresholds, recipe, shards."""
    yield tag("h3", "Inputs", class_="group")
    yield _plain_table(manifest.inputs)
    if manifest.models:
        yield tag("h3", "Models", class_="group")
        yield _plain_table(manifest.models)
    if manifest.thresholds:
        yield tag("h3", "Thresholds found on the pool", class_="group")
        rows = [
            {"corpus": name, "score": score, **manifest.pools.get(name, {})}
            for name, score in manifest.thresholds.items()
        ]
        yield _plain_table(rows)
    if order := manifest.pools.get("m3w_order"):
        yield tag("h3", "M3W's images, by CLIP, before any is dropped by score", class_="group")
        yield _plain_table([{**order}])
    yield tag("h3", "Recipe", class_="group")
    if manifest.overrides:
        yield tag("p", "Set by hand: ", ", ".join(manifest.overrides), class_="facts")
    recipe = tag("pre", recipe_text(manifest.recipe), class_="recipe")
    yield tag("details", tag("summary", "Every key of the recipe"), recipe)
    yield tag("h3", "Shards", class_="group")
    shards = [
        {"path": one.path, "samples": one.samples, "bytes": one.bytes, "sha256": one.sha256}
        for one in manifest.shards
    ]
    listed = tag("summary", f"{count_of(len(shards), 'shard')} with digests")
    yield tag("details", listed, _plain_table(shards[:_MOST_ROWS], len(shards)))


_MOST_ROWS = 500
_COLUMNS = ("path", "name", "pretrained", "corpus", "kind", "files", "samples", "bytes", "score")


def _plain_table(rows: list[dict[str, Any]], total: int = 0) -> Markup:
    """A table of plain values: of what it names first, then of what else there is."""
    found = dict.fromkeys(name for row in rows for name in row)
    names = sorted(found, key=lambda name: _COLUMNS.index(name) if name in _COLUMNS else 99)
    head = [tag("th", name, class_=_cell_class(name, rows[0].get(name))) for name in names]
    body = [
        tag("tr", *(_plain_cell(name, row.get(name)) for name in names))
        for row in rows[:_MOST_ROWS]
    ]
    left = max(total, len(rows)) - len(body)
    more = tag("p", f"… and {figure_of(left)} more in the manifest.", class_="facts")
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="stack plain")
    return joined([table, more]) if left else table


def _cell_class(name: str, value: object) -> str | None:
    """How a plain value is set."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return "mono" if name in ("sha256", "digest") else None


def _plain_cell(name: str, value: object) -> Markup:
    """A plain value in a table."""
    kind = _cell_class(name, value)
    if kind == "number" and isinstance(value, int | float):
        text = figure_of(value)
    else:
        text = "" if value is None else str(value)
    return tag("td", text, class_=kind, data_name=name)


def recipe_text(recipe: dict[str, Any]) -> str:
    """The recipe as TOML would have it: values first, then its sections."""
    values = {key: value for key, value in recipe.items() if not isinstance(value, dict)}
    lines = list(_key_lines(values))
    for key, value in recipe.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]", *_key_lines(value)]
    return "\n".join(lines)


def _key_lines(section: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Keys and values of a section; what is nested has dotted keys."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _key_lines(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} = {json.dumps(value, ensure_ascii=False)}"
