"""The funnel, stage by stage, and a card for each reason of each stage."""

import functools
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from importlib import resources

from pipeline.report.charts import shares_bar, spread_chart
from pipeline.report.markup import Markup, count_of, figure_of, joined, link, share_of, tag
from pipeline.report.spread import Spread
from pipeline.report.verdicts import Refusals, Verdicts
from schemas.manifest import StageCount

_NAMED = 4  # reasons that a row of the funnel names
_DETAILS = 8


@functools.cache
def wording() -> dict[str, dict[str, str]]:
    """What the page says of stages and of reasons, by their names."""
    source = resources.files("pipeline.report").joinpath("wording.toml")
    words: dict[str, dict[str, str]] = tomllib.loads(source.read_text(encoding="utf-8"))
    return words


def funnel_table(stages: Iterable[StageCount]) -> Iterator[Markup]:
    """A table of the stages in their order, with a bar each."""
    stages = list(stages)
    widest: dict[str, int] = defaultdict(int)
    for stage in stages:
        widest[stage.kind] = max(widest[stage.kind], stage.read)
    yield tag(
        "p",
        "Each item that came into a stage was kept, or rejected for one reason. "
        "The bars of one kind of item are drawn to one scale.",
        class_="lead",
    )
    kept = tag("span", tag("i", class_="kept"), "kept")
    out = tag("span", tag("i", class_="out"), "rejected, a part for each reason")
    yield tag("div", kept, out, class_="key")
    names = [("stage", None), ("kind", None), ("read", "number"), ("kept", "number"), ("", None)]
    head = tag("tr", *(tag("th", name, class_=kind) for name, kind in names))
    rows = [_row(stage, widest[stage.kind]) for stage in stages]
    yield tag("table", tag("thead", head), tag("tbody", *rows), class_="stack funnel")


def _row(stage: StageCount, widest: int) -> Markup:
    """One stage."""
    by_number = by_frequency(stage.rejected)
    named = [
        joined([tag("a", words_of(reason), href=f"#{anchor(stage, reason)}"), f" {figure_of(n)}"])
        for reason, n in by_number[:_NAMED]
    ]
    if len(by_number) > _NAMED:
        named.append(Markup(f"and {len(by_number) - _NAMED} more"))
    named += [
        Markup(f"{figure_of(number)} of {what} replaced") for what, number in stage.replaced.items()
    ]
    named += [
        Markup(f"{figure_of(number)} kept, but flagged: {words_of(reason)}")
        for reason, number in by_frequency(stage.flagged)
    ]
    bar = shares_bar(stage.kept, by_number, widest)
    reasons = tag("p", joined(named, ", "), class_="reasons") if named else Markup()
    return tag(
        "tr",
        tag("td", tag("b", stage.name), tag("small", wording()["stages"].get(stage.name, ""))),
        tag("td", stage.kind, class_="kind"),
        tag("td", figure_of(stage.read), class_="number", data_name="read"),
        tag(
            "td",
            figure_of(stage.kept),
            tag("small", share_of(stage.kept, stage.read)),
            class_="number",
            data_name="kept",
        ),
        tag("td", bar, reasons, class_="shares"),
    )


def reason_cards(stages: Iterable[StageCount], verdicts: Verdicts) -> Iterator[Markup]:
    """A card for each reason of each stage, the most frequent first."""
    yield tag(
        "p",
        "What was measured on the rejected items, and the limit it was held against. Examples are "
        "those with the smallest content digests.",
        class_="lead",
    )
    cards = [
        _card(stage, reason, verdicts.refused[stage.name, stage.kind, reason], verdicts.unseen)
        for stage in stages
        for reason, _ in by_frequency(stage.rejected)
        if (stage.name, stage.kind, reason) in verdicts.refused
    ]
    yield tag("div", *cards, class_="grid")


def _card(stage: StageCount, reason: str, refusals: Refusals, unseen: Set[str]) -> Markup:
    """One reason: how many, how far from the limit, and examples; nothing of what is unseen."""
    charts = [
        spread_chart("", spread, limit)
        for limit, spread in sorted(refusals.spreads.items(), key=_by_limit)
        if spread.count
    ]
    details = [
        f"{word} ({figure_of(count)})"
        for word, count in by_frequency(refusals.details)[:_DETAILS]
        if count > 1 and word not in unseen
    ]
    share = f" {share_of(refusals.count, stage.read)}"
    return tag(
        "article",
        tag("p", f"{stage.name} · {stage.kind}s", class_="facts"),
        tag(
            "h3",
            tag("span", words_of(reason)),
            tag("b", figure_of(refusals.count), tag("small", share)),
        ),
        tag("p", wording()["reasons"].get(reason, "")),
        *charts,
        tag("p", "Most frequent: ", ", ".join(details), class_="facts") if details else Markup(),
        _examples(refusals, unseen),
        class_="card reason",
        id=anchor(stage, reason),
    )


def _by_limit(item: tuple[float | None, Spread]) -> tuple[bool, float]:
    """Orders spreads by their limit, the one without a limit last."""
    return item[0] is None, item[0] or 0.0


def _examples(refusals: Refusals, unseen: Set[str]) -> Markup:
    """A few of the rejected items, folded away; of media on a hash list no URL."""
    items = []
    for example in refusals.examples:
        facts = [figure_of(example.value)] if example.value is not None else []
        facts += [f"limit {figure_of(example.limit)}"] if example.limit is not None else []
        facts += [example.detail] if example.detail not in {"", *unseen} else []
        where = [link(example.url)] if example.url not in unseen else []
        items.append(tag("li", *where, tag("span", " · ".join(facts), class_="facts")))
    if not items:
        return Markup()
    summary = tag("summary", count_of(len(items), "example"))
    return tag("details", summary, tag("ul", *items, class_="examples"))


def by_frequency(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Names by their number, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def words_of(reason: str) -> str:
    """The reason's name as words."""
    return reason.replace("_", " ") or "no reason given"


def anchor(stage: StageCount, reason: str) -> str:
    """The id of a reason's card."""
    return f"{stage.name}-{stage.kind}-{reason}"
