"""How the images of M3W's pages hang together, and with the text around them: for the report.

Textbook (arXiv 2501.00958) has the mean likeness of a sample's images, CoMM the same of neighbours
alone; whether an image is likelier the text behind it or before it says which of the two a window
should start from. Sums are of whole millionths, so that any order of adding gives the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Any

import apache_beam as beam
import numpy as np

from pipeline.stages.similarity import read_vector
from schemas.records import ImagePart, Sequence, TextPart

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class OrderSums:
    """What is summed over sequences.

    Attributes:
        sequences: those of two images or more.
        alike: their images' mean cosine, over all pairs of a sequence, in millionths.
        neighbours: the same over images that follow one another.
        between: images with text both before and behind them.
        behind: those of them that are likelier the text behind.
    """

    sequences: int = 0
    alike: int = 0
    neighbours: int = 0
    between: int = 0
    behind: int = 0


@dataclass(eq=False)
class SumOrder(beam.PTransform):
    """One OrderSums of (Sequence with scores, vectors of its images); none of none."""

    def expand(self, scored: beam.PCollection) -> Any:
        """Summed before anything is shuffled."""
        return (
            scored
            | "OrderOfEach" >> beam.MapTuple(order_of)
            | "SumOrder" >> beam.CombineGlobally(add_sums).without_defaults()
        )


def order_of(sequence: Sequence, vectors: tuple[bytes, ...]) -> OrderSums:
    """What one sequence adds."""
    sides = [before < behind for before, behind in sides_of(sequence)]
    between, behind = len(sides), sum(sides)
    if len(vectors) < 2:
        return OrderSums(between=between, behind=behind)
    rows = np.stack([read_vector(vector) for vector in vectors])
    cosines = (rows @ rows.T).astype(np.float64)
    pairs = cosines[np.triu_indices(len(rows), 1)]
    alike, neighbours = pairs.mean(), np.diagonal(cosines, 1).mean()
    return OrderSums(1, round(alike * _MICRO), round(neighbours * _MICRO), between, behind)


def sides_of(sequence: Sequence) -> Iterator[tuple[float, float]]:
    """Of each image between two texts: its largest cosine with the one before, and behind."""
    spans: list[tuple[int, int] | None] = []
    seen = 0
    for part in sequence.parts:
        size = len(part.sentences) if isinstance(part, TextPart) else 0
        spans.append((seen, seen + size) if size else None)
        seen += size
    for number, part in enumerate(sequence.parts):
        if not isinstance(part, ImagePart) or not part.scores:
            continue
        before = next((span for span in reversed(spans[:number]) if span), None)
        behind = next((span for span in spans[number:] if span), None)
        if before and behind:
            yield max(part.scores[slice(*before)]), max(part.scores[slice(*behind)])


def add_sums(sums: Iterable[OrderSums]) -> OrderSums:
    """The sum of several."""
    return OrderSums(*map(sum, zip(*map(astuple, sums), strict=True)))


def order_figures(sums: OrderSums) -> dict[str, float]:
    """What the manifest says of M3W's order: means and a share, of how many."""
    figures: dict[str, float] = {}
    if sums.sequences:
        figures |= {
            "pages_of_several_images": sums.sequences,
            "likeness_of_their_images": round(sums.alike / sums.sequences / _MICRO, 6),
            "likeness_of_neighbours": round(sums.neighbours / sums.sequences / _MICRO, 6),
        }
    if sums.between:
        figures |= {
            "images_between_texts": sums.between,
            "likelier_the_text_behind": round(sums.behind / sums.between, 6),
        }
    return figures
