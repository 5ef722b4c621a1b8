"""Which keys edges connect, directly or through others, in a few shuffles of edges.

Large stars and small stars in turn (Kiveris et al., Connected Components in MapReduce and Beyond,
SOCC 2014): each key hands its larger neighbours to the smallest that it knows, then its smaller
ones and itself. No key holds its neighbours in memory. Keys are digests, so that their order is
as good as by lot and the longest way to the smallest shrinks to half or less in a round.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam

ROUNDS = 4
"""Enough for chains of 40 links, or of 100 where each is tied to four; a longer one comes out in
several groups."""

Edge = tuple[str, str]


@dataclass(eq=False)
class ConnectedGroups(beam.PTransform):
    """(key, group) of each key in an edge to another one; a group is named by its smallest key."""

    def expand(self, edges: beam.PCollection) -> beam.PCollection:
        """Two shuffles a round, and one for the names."""
        for number in range(ROUNDS):
            edges = (
                edges
                | f"Both{number}" >> beam.FlatMapTuple(lambda a, b: [(a, b), (b, a)])
                | f"Large{number}" >> beam.GroupByKey()
                | f"LargeStar{number}" >> beam.FlatMapTuple(large_star)
                | f"Down{number}" >> beam.Map(lambda edge: (max(edge), min(edge)))
                | f"Small{number}" >> beam.GroupByKey()
                | f"SmallStar{number}" >> beam.FlatMapTuple(small_star)
            )
        return (
            edges
            | "WithFirst" >> beam.FlatMapTuple(lambda key, first: [(key, first), (first, first)])
            | "OneName" >> beam.CombinePerKey(min)
        )


def large_star(key: str, neighbours: Iterable[str]) -> Iterator[Edge]:
    """Each larger neighbour with the smallest that is known here."""
    smallest = min(key, min(neighbours))
    for other in neighbours:
        if other > key:
            yield other, smallest


def small_star(key: str, smaller: Iterable[str]) -> Iterator[Edge]:
    """Each smaller neighbour and the key itself with the smallest."""
    smallest = min(smaller)
    yield key, smallest
    for other in smaller:
        if other != smallest:
            yield other, smallest
