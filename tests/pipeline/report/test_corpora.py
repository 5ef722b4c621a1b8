import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.corpora import read_corpora, spread_numbers


@given(st.integers(0, 500), st.integers(1, 40))
def test_chosen_numbers_are_even_and_within(total, number):
    chosen = spread_numbers(total, number)
    assert len(chosen) == min(total, number)
    assert chosen == sorted(set(chosen))
    assert all(0 <= one < total for one in chosen)
    if total > number:
        gaps = [after - before for before, after in itertools.pairwise(chosen)]
        assert not gaps or max(gaps) - min(gaps) <= 1


def test_figures_of_each_corpus(output, files):
    m3w, align = read_corpora(output.path, output.manifest.shards, {"m3w": 4}, files)
    assert (m3w.name, m3w.samples, m3w.shards) == ("m3w", 40, 2)
    assert m3w.sums["images"] == 80
    assert m3w.spreads["images"].few() == [(2.0, 40)]
    assert (align.name, align.samples, align.sums["texts"]) == ("align", 10, 10)
    assert align.shown == []


def test_shown_samples_come_from_all_shards(output, files):
    m3w, _ = read_corpora(output.path, output.manifest.shards, {"m3w": 4}, files)
    assert [place.shard for place in m3w.shown] == ["m3w/m3w-000000.tar"] * 2 + [
        "m3w/m3w-000001.tar"
    ] * 2
    assert len({place.row["key"] for place in m3w.shown}) == 4
