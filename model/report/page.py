"""The page of a run: RUN/report.html, one file that asks nothing of any network."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from model.recipe import CORPORA
from model.report.charts import Line, line_chart
from model.report.curves import curve_of, gap
from model.report.history import History, Series
from model.report.markup import Markup, figure_of, tag

REPORT = "report.html"
"""Its name in the folder of the run."""

SHOWN = 8
"""Newest samples that are shown of each corpus; the rest stay in samples.jsonl."""

SHOWN_CHARACTERS = 240
"""Of a text of a sample."""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(run: Path, history: History) -> None:
    """Writes the page of a run into its folder, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    part = run / f"{REPORT}.part"
    part.write_text(page_of(run.resolve().name, history), encoding="utf-8")
    part.replace(run / REPORT)


def page_of(name: str, history: History) -> str:
    """The page.

    Args:
        name: of the run.
        history: what it has left.
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", f"{name}: training run"),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("header", tag("h1", name), tag("p", _lead(history), class_="lead")),
        _tiles(history),
        _section("Losses", _losses(history)),
        _section("Does it look at the images?", _grounding(history)),
        _section("Optimisation", _optimisation(history)),
        _section("Throughput and stalls", _throughput(history)),
        _section("Samples", _samples(history.samples)),
        _section("Data", _data(history)),
        _section("Recipe", _recipe(history.about.get("recipe", {}))),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _section(title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content) if content else Markup()


def _together(parts: Sequence[Markup], kind: str) -> Markup:
    parts = [part for part in parts if part]
    return tag("div", *parts, class_=kind) if parts else Markup()


def _lead(history: History) -> str:
    """Which models, how far."""
    recipe = history.about.get("recipe", {})
    models = [recipe.get(part, {}).get("model", "") for part in ("vision", "language")]
    steps = recipe.get("run", {}).get("steps", 0)
    done = history.last["step"]
    parts = [f"step {done:,} of {steps:,}" if steps else f"step {done:,}"]
    if all(models):
        parts.append(f"tower {models[0]}, language model {models[1]}")
    return " · ".join(parts)


def _tiles(history: History) -> Markup:
    """The run in a dozen figures: where losses stand, sums, and medians over steps."""
    figures = [("loss", _last(history.of("loss")))]
    figures += [(name, _last(series)) for name, series in _by_corpus(history.below("losses"))]
    figures += [(name, _sum(history.of(name))) for name in ("tokens", "images")]
    figures += [("FLOPs", _sum(history.of("flops")))]
    figures += [
        ("tokens/s", _middle(history.of("tokens_per_s"))),
        ("images/s", _middle(history.of("images_per_s"))),
        ("FLOPs/s", _middle(history.of("flops_per_s"))),
        ("MFU", _percent(_middle_of(history.of("mfu")))),
        ("padding", _percent(_middle_of(history.of("padding")))),
        ("waiting for data", _percent(_middle_of(history.of("wait_share")))),
        ("memory", _bytes(history.of("peak_memory_bytes"))),
        ("GPU memory", _bytes(history.of("gpu_peak_memory_bytes"))),
        ("updates skipped", figure_of(sum(not v for v in history.of("updated").values))),
    ]
    tiles = [
        tag("div", tag("span", label), tag("b", value), class_="tile")
        for label, value in figures
        if value
    ]
    return tag("div", *tiles, class_="tiles")


def _last(series: Series) -> str:
    """Where a series stands, smoothed as its curve is."""
    curve = curve_of(series)
    return figure_of(curve[-1].smooth) if curve else ""


def _sum(series: Series) -> str:
    return figure_of(sum(series.values)) if series.values else ""


def _middle_of(series: Series) -> float | None:
    return median(series.values) if series.values else None


def _middle(series: Series) -> str:
    found = _middle_of(series)
    return "" if found is None else figure_of(found)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3g} %"


def _bytes(series: Series) -> str:
    return f"{max(series.values) / 2**30:.3g} GiB" if series.values else ""


def _by_corpus(series: Mapping[str, Series]) -> list[tuple[str, Series]]:
    """Series of corpora in the paper's order."""
    return [(name, series[name]) for name in CORPORA if name in series]


def _line(name: str, series: Series, colour: str = "plain") -> Line:
    return Line(name, colour, curve_of(series))


def _losses(history: History) -> Markup:
    lines = [_line(name, series, name) for name, series in _by_corpus(history.below("losses"))]
    return _together(
        [
            line_chart(
                "Loss by corpus",
                "Mean negative log-likelihood of a label, in nats. Bold: smoothed.",
                lines,
            ),
            line_chart(
                "Loss that is minimised",
                "The corpora's losses, weighted as the recipe says.",
                [_line("loss", history.of("loss"))],
            ),
        ],
        "charts",
    )


def _grounding(history: History) -> Markup:
    losses = history.below("losses")

    def gaps(kind: str) -> list[Line]:
        there = _by_corpus(history.below(kind))
        return [_line(name, gap(s, losses[name]), name) for name, s in there if name in losses]

    return _together(
        [
            line_chart(
                "Loss with images zeroed, minus the loss",
                "Above 0, the images help: without them the same texts cost so much more.",
                gaps("loss_without_images"),
                zero=True,
            ),
            line_chart(
                "Loss with images shuffled, minus the loss",
                "Above 0, it matters which image: with another's the texts cost so much more.",
                gaps("loss_shuffled_images"),
                zero=True,
            ),
        ],
        "charts",
    )


def _optimisation(history: History) -> Markup:
    rate = [Line("learning rate", "plain", curve_of(history.of("learning_rate"), exact=True))]
    norm = [_line("norm", history.of("grad_norm"))]
    clip = history.about.get("recipe", {}).get("optim", {}).get("clip_norm")
    told = f"Of all gradients together, before they are clipped to {clip:g}." if clip else ""
    charts = [
        line_chart("Learning rate", "", rate, zero=True),
        line_chart("Gradient norm", told, norm),
    ]
    return _together(charts, "charts")


def _throughput(history: History) -> Markup:
    per_s = [
        line_chart(title, note, [_line(unit, history.of(name))], zero=True)
        for title, note, unit, name in (
            ("Real tokens a second", "Padding left out.", "tokens/s", "tokens_per_s"),
            ("Images a second", "", "images/s", "images_per_s"),
            ("Real FLOPs a second", "Padding and recomputing left out.", "FLOPs/s", "flops_per_s"),
            ("Model FLOPs utilisation", "Of what the devices could do.", "MFU", "mfu"),
            ("Share of the time that waits for data", "", "share", "wait_share"),
            ("Share of padding", "Places in the rows without a token.", "share", "padding"),
        )
    ]
    return _together(per_s, "charts")


def _samples(samples: Sequence[Mapping[str, Any]]) -> Markup:
    """The newest samples, by corpus."""
    groups = []
    for corpus in CORPORA:
        newest = [sample for sample in samples if sample.get("corpus") == corpus][-SHOWN:]
        if newest:
            cards = [_card(sample) for sample in reversed(newest)]
            groups.append(tag("div", tag("h3", corpus), *cards, class_=f"group {corpus}"))
    return _together(groups, "samples")


def _card(sample: Mapping[str, Any]) -> Markup:
    def part(label: str, key: str) -> Markup:
        text = _text(sample, key).strip()
        if len(text) > SHOWN_CHARACTERS:  # of a prompt its end matters: the image stands there
            half = text[-SHOWN_CHARACTERS:] if key == "prompt" else text[:SHOWN_CHARACTERS]
            text = f"… {half}" if key == "prompt" else f"{half} …"
        return tag("p", tag("span", label), tag("span", text), class_=key)

    picture = tag("img", src=f"data:image/jpeg;base64,{_text(sample, 'image')}", alt="")
    step = tag("p", f"step {sample['step']:,}", class_="note")
    texts = [part("read", "prompt"), part("says", "said"), part("is", "truth")]
    return tag("article", picture, tag("div", step, *texts))


def _text(sample: Mapping[str, Any], key: str) -> str:
    return str(sample.get(key, ""))


def _data(history: History) -> Markup:
    """The corpora, and what of them could not be used."""
    data = history.about.get("data", {})
    skipped = history.last.get("skipped", {})
    recipe = history.about.get("recipe", {}).get("corpora", {})
    rows = [
        (
            name,
            str(data[name]["shards"]),
            figure_of(data[name]["samples"]),
            *(figure_of(recipe.get(name, {}).get(key, 0)) for key in ("batch", "weight")),
            ", ".join(f"{n} {why}" for why, n in skipped.get(name, {}).items()) or "none",
        )
        for name in CORPORA
        if name in data
    ]
    if not rows:
        return Markup()
    head = ("corpus", "shards", "samples", "a step", "weight", "unusable so far")
    return tag(
        "table",
        tag("tr", *[tag("th", cell) for cell in head]),
        *[tag("tr", *[tag("td", cell) for cell in row]) for row in rows],
    )


def _recipe(recipe: Mapping[str, Any]) -> Markup:
    """The recipe as TOML, every default spelled out."""
    plain = [f"{key} = {json.dumps(v)}" for key, v in recipe.items() if not isinstance(v, dict)]
    sections = [
        "\n".join([f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in section.items())])
        for name, section in recipe.items()
        if isinstance(section, dict)
    ]
    return tag("pre", "\n\n".join(["\n".join(plain), *sections])) if recipe else Markup()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)
