"""A finished output knows what it was asked for."""

import argparse

import pytest

from pipeline.options import OptionsError
from pipeline.remembered import REQUEST, recalled, remember


def asked(output, **more):
    given = {"recipe": "", "input": [], "eval_index": [], "overrides": [], "base_url": ""}
    given |= {"offline": False, "workers": 1, "output": str(output)}
    return argparse.Namespace(**{**given, **more})


def test_what_was_asked_comes_back_with_what_is_set_now(tmp_path):
    then = asked(
        tmp_path, recipe="tiny", input=["a.warc.gz"], eval_index=["e.index"], offline=True,
        overrides=["similarity.keep=0.8", "seed=3"],
    )  # fmt: skip
    remember(str(tmp_path), then)
    now = recalled(asked(tmp_path, overrides=["similarity.keep = 0.2"], workers=2))
    assert (now.recipe, now.input, now.eval_index) == ("tiny", ["a.warc.gz"], ["e.index"])
    assert now.overrides == ["seed=3", "similarity.keep = 0.2"]
    assert (now.offline, now.workers, now.output) == (True, 2, str(tmp_path))
    other = recalled(asked(tmp_path, eval_index=["f.index"], base_url="http://b/"))
    assert (other.eval_index, other.base_url) == (["f.index"], "http://b/")


def test_a_recipe_and_inputs_that_are_named_are_taken(tmp_path):
    given = asked(tmp_path, recipe="m3w", input=["b"])
    assert recalled(given) is given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recipe": "m3w"}, "are required: --input"),
        ({"input": ["a"]}, "are required: --recipe"),
        ({}, "holds no finished build that says what it was made of"),
    ],
)
def test_without_either_there_must_be_a_finished_output(tmp_path, given, message):
    with pytest.raises(OptionsError, match=message):
        recalled(asked(tmp_path, **given))


@pytest.mark.parametrize("content", ["no JSON", "[]", "{}"])
def test_a_request_that_cannot_be_read_is_none(tmp_path, content):
    path = tmp_path / REQUEST
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(OptionsError, match="holds no finished build"):
        recalled(asked(tmp_path))
