"""The paper's benchmarks as sets of queries and support examples (2204.14198, B.1.4).

A benchmark lies in a folder as its publisher ships it (`schemas.benchmarks`). Queries are drawn of
the first split that has answers, of COCO 5,000, elsewhere 1,024; shots are drawn from 2,048
examples of another split. What is drawn depends on the seed and the examples' ids alone.
"""

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from model.evaluate.metrics import METRICS
from model.evaluate.sets import SetError
from model.evaluate.tasks import TASKS
from schemas.benchmarks.folder import Folder
from schemas.benchmarks.items import Example, LayoutError, Lost
from schemas.benchmarks.layouts import Layout, find_layout
from schemas.keys import seed_of

QUERIES = 1024
"""Of a set, where the paper gives no other number."""

SUPPORT = 2048
"""Examples that shots are drawn from."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a benchmark is evaluated.

    Attributes:
        task: what is asked.
        metric: by which it is scored.
        queries: splits to take queries from; the first that has any which can be scored.
        support: splits to take shots from; none where the paper shows none.
        count: of queries.
    """

    task: str
    metric: str
    queries: tuple[str, ...] = ("test", "val")
    support: tuple[str, ...] = ("train",)
    count: int = QUERIES


_FLICKR = ("test", "all"), ("train", "all")
_MEMES = ("test_seen", "dev_seen", "val", "dev_unseen", "test_unseen")

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "coco": Protocol("caption", "cider", count=5000),
        "flickr30k": Protocol("caption", "cider", *_FLICKR),
        "vqav2": Protocol("vqa", "vqa", ("val", "test")),
        "okvqa": Protocol("vqa", "vqa", ("val", "test")),
        "vizwiz": Protocol("vqa", "vqa"),
        "textvqa": Protocol("vqa", "vqa", ("val", "test")),
        "visdial": Protocol("dialogue", "ndcg", ("val", "test")),
        "hatefulmemes": Protocol("hateful", "auc", _MEMES),
        "msvdqa": Protocol("vqa", "exact"),
        "msrvttqa": Protocol("vqa", "exact"),
        "vatex": Protocol("caption", "cider"),
        "ivqa": Protocol("vqa", "ivqa"),
        "youcook2": Protocol("caption", "cider", ("val", "test")),
        "star": Protocol("choice", "accuracy", ("test", "val")),
        "nextqa": Protocol("vqa", "wups"),
        "rareact": Protocol("rareact", "mwap", ("test",), (), 10_000),
        "imagenet": Protocol("classify", "accuracy", ("val",)),
        "kinetics": Protocol("classify", "accuracy", ("test", "val")),
    }
)
"""The protocols by the names of benchmarks."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a benchmark's folder; "" and None for what the protocol says.

    Attributes:
        benchmark: its name.
        path: of its folder.
        layout: that it lies in.
        split: to take queries from.
        support_split: to take shots from.
        queries: how many.
        support: how many.
    """

    benchmark: str
    path: Path
    layout: str = ""
    split: str = ""
    support_split: str = ""
    queries: int | None = None
    support: int = SUPPORT


@dataclass(frozen=True, slots=True)
class Part:
    """Some examples of one split.

    Attributes:
        split: its name.
        examples: those drawn, in the order of the files.
        usable: how many there were to draw from.
        unanswered: examples that cannot be scored, for want of an answer or a relevance.
        lost: examples that cannot be used, and why.
    """

    split: str
    examples: tuple[Example, ...]
    usable: int
    unanswered: int
    lost: tuple[Lost, ...]

    def told(self, root: Path, layout: Layout) -> dict[str, Any]:
        """What the results say of it, with a digest of the examples."""
        digest = hashlib.sha256()
        for one in self.examples:
            media = [(str(m.path.relative_to(root)), m.start_s, m.end_s) for m in one.media]
            words = (one.id, one.question, one.answers, one.candidates, one.text, one.history)
            digest.update(repr((media, words, one.relevance, one.kind)).encode())
        return {
            "path": str(root),
            "benchmark": layout.benchmark,
            "layout": layout.name,
            "split": self.split,
            "examples": len(self.examples),
            "of": self.usable,
            "unanswered": self.unanswered,
            "lost": [[one.id, one.why] for one in self.lost],
            "sha256": digest.hexdigest(),
        }


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark read and drawn.

    Attributes:
        layout: in which it lies.
        queries: to answer.
        support: to show; None where nothing is shown.
        classes: all answers of all splits, for tasks that choose among them.
        passed_over: of each split that would have come before that of the queries, what it has.
    """

    layout: Layout
    queries: Part
    support: Part | None
    classes: tuple[str, ...]
    passed_over: tuple[str, ...] = ()


@dataclass
class _Split:
    """What was read of one split: a heap of the examples with the smallest draws."""

    usable: int = 0
    unanswered: int = 0
    lost: list[Lost] = field(default_factory=list)
    drawn: list[tuple[int, int, Example]] = field(default_factory=list)


def read_benchmark(wanted: Wanted, seed: int) -> Benchmark:
    """A benchmark's queries and support examples.

    Args:
        wanted: which, and how many.
        seed: of what is drawn.

    Raises:
        SetError: the folder holds no such benchmark, or no example that can be used.
    """
    protocol = PROTOCOLS[wanted.benchmark]
    try:
        folder = Folder(wanted.path)
        layout = find_layout(wanted.benchmark, folder, wanted.layout)
        count = max(wanted.queries or protocol.count, wanted.support)
        splits, classes = _read_splits(layout.examples(folder), protocol, count, seed)
    except LayoutError as error:
        raise SetError(str(error)) from error
    asked = (wanted.split,) if wanted.split else protocol.queries
    queries = _part(splits, asked, wanted.queries or protocol.count)
    if queries is None:
        there = ", ".join(f"{name} ({_count_of(split)})" for name, split in splits.items())
        raise SetError(
            f"{wanted.path}: {wanted.benchmark}: nothing to answer in {' or '.join(asked)}; "
            f"there are: {there or 'no examples'}"
        )
    shown = (wanted.support_split,) if wanted.support_split else protocol.support
    support = _part(splits, shown, wanted.support)
    if support is None and wanted.support_split:
        raise SetError(f"{wanted.path}: {wanted.benchmark}: nothing to show in {shown[0]}")
    passed_over = tuple(
        f"{name} ({_count_of(splits[name])})"
        for name in asked[: asked.index(queries.split)]
        if name in splits
    )
    return Benchmark(layout, queries, support, classes, passed_over)


def _count_of(split: _Split) -> str:
    lost = f"; {split.lost[0].why}" if split.lost and not split.usable else ""
    return (
        f"{split.usable} usable, {split.unanswered} unanswered, {len(split.lost)} not to be "
        f"had{lost}"
    )


def _read_splits(
    found: Iterable[Example | Lost], protocol: Protocol, count: int, seed: int
) -> tuple[dict[str, _Split], tuple[str, ...]]:
    """The drawn examples of each split, and all answers; memory holds no more than `count`."""
    splits: dict[str, _Split] = {}
    classes: set[str] = set()
    is_choice = TASKS[protocol.task].is_closed
    for place, one in enumerate(found):
        split = splits.setdefault(one.split, _Split())
        if isinstance(one, Lost):
            split.lost.append(one)
            continue
        if is_choice and not one.candidates:
            classes.update(one.answers)
        if not one.answers or _fault(one, protocol):
            split.unanswered += 1
            continue
        split.usable += 1
        entry = (-seed_of(seed, "drawn", one.split, one.id), place, one)
        if len(split.drawn) < count:
            heapq.heappush(split.drawn, entry)
        else:
            heapq.heappushpop(split.drawn, entry)
    return splits, tuple(sorted(classes))


def _fault(example: Example, protocol: Protocol) -> str | None:
    """Why the metric cannot score an example, as far as it does not want for candidates."""
    if TASKS[protocol.task].is_closed and not example.candidates:
        return None
    return METRICS[protocol.metric].fault(example)


def _part(splits: Mapping[str, _Split], names: Iterable[str], count: int) -> Part | None:
    """Of the first split that has examples, those with the smallest draws."""
    for name in names:
        split = splits.get(name)
        if split is not None and split.usable:
            smallest = heapq.nlargest(count, split.drawn)
            ordered = sorted(smallest, key=lambda entry: entry[1])
            examples = tuple(example for _, _, example in ordered)
            return Part(name, examples, split.usable, split.unanswered, tuple(split.lost))
    return None
