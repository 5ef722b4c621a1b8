"""An evaluation set whose layout is known: its pictures, and the texts of its examples.

Every image and video in the folder counts, named by the annotations or not (a publisher keeps back
the answers of a test set, not the images); of a video that is only asked about in parts, those.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dedup.eval_sets import Entry, Spans, Unreadable, read_entries
from dedup.evaluation_texts import EvaluationText
from schemas.benchmarks.folder import Folder
from schemas.benchmarks.items import Example, Lost, Media
from schemas.benchmarks.layouts import PLAIN, Layout, benchmark_of, find_layout


@dataclass
class Annotations:
    """What the annotations of a set say.

    Attributes:
        texts: that people wrote for its examples, each once: ten people say yes to many questions.
        lost: of each example that cannot be used, its id and why.
        spans: by path from the set's folder, the parts of a video that are asked about; none where
            an example asks about the whole.
    """

    texts: list[EvaluationText] = field(default_factory=list)
    lost: list[Unreadable] = field(default_factory=list)
    spans: dict[str, Spans] = field(default_factory=dict)


def choose_layout(name: str, path: Path, asked: str) -> Layout | None:
    """The layout to read a set by; None reads it as plain files.

    Args:
        name: of the set; a benchmark's own where nothing is asked for.
        path: where it lies.
        asked: `plain`, a layout, a benchmark, or `benchmark/layout`; "" for whatever is there.

    Raises:
        LayoutError: what was asked for is not there; where nothing was, the benchmark that the
            name means is not.
    """
    if asked == PLAIN or not (asked or (path.is_dir() and benchmark_of(name))):
        return None
    benchmark, _, layout = asked.partition("/")
    if not layout and not benchmark_of(benchmark):
        benchmark, layout = name, benchmark
    return find_layout(benchmark_of(benchmark) or benchmark, Folder(path), layout)


def read_annotations(name: str, path: Path, layout: Layout) -> Annotations:
    """What a set's annotations say, each id with its split.

    Raises:
        LayoutError: an annotation file is not as the layout says.
    """
    found = Annotations()
    whole: set[str] = set()
    seen: set[str] = set()
    for one in layout.examples(Folder(path)):
        eval_id = f"{one.split}/{one.id}" if one.split else one.id
        texts = one.texts() if isinstance(one, Example) else one.texts
        for text in texts:
            if text not in seen:
                seen.add(text)
                found.texts.append(EvaluationText(name, eval_id, text))
        if isinstance(one, Lost):
            found.lost.append(Unreadable(eval_id, one.why))
        else:
            _add_spans(found.spans, whole, path, one.media)
    for inside in whole:
        found.spans.pop(inside, None)
    return found


def _add_spans(
    spans: dict[str, Spans], whole: set[str], root: Path, media: tuple[Media, ...]
) -> None:
    for one in media:
        inside = one.path.relative_to(root).as_posix()
        if one.start_s is None or one.end_s is None:
            whole.add(inside)
        else:
            spans[inside] = (*spans.get(inside, ()), (one.start_s, one.end_s))


def read_benchmark_entries(path: Path, spans: dict[str, Spans]) -> Iterator[Entry | Unreadable]:
    """All files of a set, of its videos the parts that are asked about."""
    for entry in read_entries(path):
        if isinstance(entry, Entry) and entry.eval_id in spans:
            yield replace(entry, spans=spans[entry.eval_id])
        else:
            yield entry
