"""What a corpus's shards hold, in numbers: counts, and how they are spread over samples."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pipeline.store.shard_faults import sample_json
from pipeline.store.shard_files import Sample
from pipeline.store.shard_text import sample_counts

SPREADS = ("words", "images", "bytes", "shorter_side_px", "score")
_MOST_COMMON = 5


@dataclass(slots=True)
class ShardStats:
    """Counts over the samples of one corpus; `values` are what the spreads are made of."""

    shards: int = 0
    samples: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SPREADS})

    def add(self, sample: Sample) -> None:
        """Count one sample."""
        counts = sample_counts(sample)
        record = sample_json(sample)
        self.samples += 1
        for name in ("texts", "images", "videos", "words", "bytes"):
            self.totals[name] += counts[name]
        for name in ("words", "images", "bytes"):
            self.values[name].append(counts[name])
        self.values["shorter_side_px"] += _shorter_sides(record)
        self.values["score"] += _scores(record)
        if record.get("language"):
            self.languages[str(record["language"])] += 1
        self.hosts[_host(record)] += 1

    def summary(self) -> dict[str, Any]:
        """The counts as one JSON object."""
        return {
            "shards": self.shards,
            "samples": self.samples,
            **{name: self.totals[name] for name in ("texts", "images", "videos", "words", "bytes")},
            "per_sample": {
                name: spread(values) for name, values in self.values.items() if any(values)
            },
            "languages": dict(self.languages.most_common(_MOST_COMMON)),
            "hosts": len(self.hosts),
            "largest_hosts": dict(self.hosts.most_common(_MOST_COMMON)),
        }


def stats_lines(summary: dict[str, Any]) -> Iterator[str]:
    """The counts as lines to read."""
    yield f"{summary['corpus']}: {summary['samples']} samples in {summary['shards']} shards"
    for name in ("texts", "images", "videos", "words", "bytes"):
        yield f"  {name:<16}{summary[name]:>14,}"
    columns = ("mean", "min", "p5", "median", "p95", "max")
    yield f"  {'per sample':<16}" + "".join(f"{column:>12}" for column in columns)
    for name, values in summary["per_sample"].items():
        yield f"  {name:<16}" + "".join(f"{values[column]:>12.6g}" for column in columns)
    for name in ("languages", "largest_hosts"):
        words = ", ".join(f"{word or '?'} {times}" for word, times in summary[name].items())
        if words:
            yield f"  {name}: {words}"


def spread(values: list[float]) -> dict[str, float]:
    """Mean and quantiles: min, 5 %, median, 95 %, max; values of ranks, none between two."""
    ordered = sorted(values)
    last = len(ordered) - 1
    ranks = {"min": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "max": 1.0}
    quantiles = {name: ordered[round(share * last)] for name, share in ranks.items()}
    return {"mean": round(sum(ordered) / len(ordered), 4), **quantiles}


def _shorter_sides(record: dict[str, Any]) -> list[float]:
    parts = record.get("parts")
    images = parts if isinstance(parts, list) else [record]
    sides = [
        (image.get("width"), image.get("height")) for image in images if isinstance(image, dict)
    ]
    return [
        float(min(width, height))
        for width, height in sides
        if isinstance(width, int) and isinstance(height, int)
    ]


def _scores(record: dict[str, Any]) -> list[float]:
    """The best score of each image of a sequence, or a pair's similarity."""
    if isinstance(record.get("similarity"), float):
        return [record["similarity"]]
    parts = record.get("parts")
    images = parts if isinstance(parts, list) else []
    rows = [image.get("scores") for image in images if isinstance(image, dict)]
    return [float(max(row)) for row in rows if isinstance(row, list) and row]


def _host(record: dict[str, Any]) -> str:
    """The host of the page, or of the media where the page is not known."""
    try:
        return urlsplit(str(record.get("page_url") or record.get("url") or "")).hostname or ""
    except ValueError:
        return ""
