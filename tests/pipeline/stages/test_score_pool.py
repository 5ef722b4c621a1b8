"""A share of a pool is the same score whoever counted the pool, in whatever order."""

import math
from collections import Counter

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.run import Outputs, Stage, Work
from pipeline.stages.score_pool import CountScores, ScoreCount, read_scores, threshold_of


@pytest.mark.parametrize(
    ("scores", "keep", "threshold"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.5, 0.3),
        ([0.1, 0.2, 0.3, 0.4], 0.26, 0.3),
        ([0.1, 0.2, 0.3, 0.4], 0.0, 0.4),
        ([0.2, 0.2, 0.2, 0.1], 0.25, 0.2),
        (range(100), 0.28, 72),
        ([0.1], 1.0, None),
        ([], 0.5, None),
    ],
)
def test_the_best_share_is_kept(scores, keep, threshold):
    assert threshold_of(Counter(scores), keep) == threshold


HALVES = st.floats(-1, 1, width=16)


@given(st.lists(HALVES, min_size=1, max_size=200), st.integers(0, 99), st.randoms())
def test_it_is_the_score_at_that_place_of_the_sorted_list(scores, percent, draw):
    place = max(1, math.ceil(percent * len(scores) / 100)) - 1
    expected = sorted(scores, reverse=True)[place]
    pieces = [Counter(), Counter(), Counter()]
    for score in draw.sample(scores, len(scores)):
        pieces[draw.randrange(3)][score] += 1
    merged = sum(draw.sample(pieces, 3), Counter())
    assert threshold_of(merged, percent / 100) == expected


def counted(folder, scores, *flags):
    """What a stage counts, and the files it left."""

    def expand(pipeline, work, place):
        items = pipeline | beam.Create(scores)
        return Outputs({"scores": (ScoreCount, items | CountScores())})

    work = Work(str(folder), "code", PipelineOptions([*flags, "--runner=FnApiRunner"]))
    work.run(Stage("pool", (), (), expand))
    return read_scores(work.paths("pool", "scores"))


@pytest.mark.beam
def test_a_stage_counts_the_pool_the_same_on_any_number_of_workers(tmp_path):
    values = np.random.default_rng(3).normal(0.25, 0.08, 5_000).astype(np.float16)
    scores = [float(value) for value in values]
    workers = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")
    one = counted(tmp_path / "1", [*scores, None])
    two = counted(tmp_path / "2", [None, *reversed(scores)], *workers)
    assert one == two == Counter(scores)
    assert len(one) < len(scores)
    assert threshold_of(one, 0.3) == sorted(scores, reverse=True)[1499]
