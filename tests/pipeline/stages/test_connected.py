"""Keys that edges connect get one name, chains of up to forty links included."""

import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.connected import ROUNDS, ConnectedGroups, large_star, small_star
from schemas.keys import make_key

EDGES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda edge: edge[0] != edge[1])
)


def grouped(pairs):
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups.items()


def names_of(edges, rounds=ROUNDS):
    """What ConnectedGroups gives, without Beam."""
    for _ in range(rounds):
        both = grouped([*edges, *((b, a) for a, b in edges)])
        edges = [edge for key, others in both for edge in large_star(key, others)]
        down = grouped((max(edge), min(edge)) for edge in edges)
        edges = [edge for key, others in down for edge in small_star(key, others)]
    pairs = [*edges, *((first, first) for _, first in edges)]
    return {key: min(firsts) for key, firsts in grouped(pairs)}


def walked(edges):
    """The same by walking."""
    beside = grouped([*edges, *((b, a) for a, b in edges)])
    neighbours = {key: set(others) for key, others in beside}
    names = {}
    for start in sorted(neighbours):
        todo = [] if start in names else [start]
        while todo:
            key = todo.pop()
            if names.setdefault(key, start) == start:
                todo += [other for other in neighbours[key] if other not in names]
    return names


@given(EDGES, st.randoms(use_true_random=False))
def test_groups_are_what_walking_finds(edges, rng):
    keyed = [(make_key(str(a)), make_key(str(b))) for a, b in edges]
    names = names_of(keyed)
    assert names == walked(keyed)
    rng.shuffle(keyed)
    assert names_of([edge[::-1] for edge in keyed]) == names


@pytest.mark.parametrize(("links", "tied"), [(40, 1), (100, 4)])
def test_chains_as_long_as_is_said_are_one_group(links, tied):
    edges = [
        (make_key(str(k)), make_key(str(k + step)))
        for k in range(links)
        for step in range(1, tied + 1)
        if k + step < links
    ]
    assert len(set(names_of(edges).values())) == 1


def test_a_longer_chain_is_cut_and_every_key_has_a_name():
    edges = [(make_key(str(k)), make_key(str(k + 1))) for k in range(1000)]
    names = names_of(edges)
    assert len(names) == 1001
    assert 1 < len(set(names.values())) < 100


@pytest.mark.beam
def test_in_a_pipeline():
    rng = random.Random(1)
    edges = [(f"{rng.randrange(60):02d}", f"{rng.randrange(60):02d}") for _ in range(40)]
    edges = [edge for edge in edges if edge[0] != edge[1]]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        names = pipeline | beam.Create(edges + edges[:3]) | ConnectedGroups()
        assert_that(names, equal_to(sorted(walked(edges).items())))
