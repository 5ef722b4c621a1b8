"""The command that makes the tiny models: usage, and a run of a few steps on a tiny web."""

import pytest

from model.weights.train import main


def test_a_folder_that_is_no_web_is_wrong_usage(tmp_path, capsys):
    assert main(["--web", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "no truth.jsonl and no web.warc.gz" in capsys.readouterr().err


def test_an_unknown_flag_is_wrong_usage(tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main(["--web", str(tmp_path), "--output", str(tmp_path), "--minutes", "3"])
    assert stopped.value.code == 2


@pytest.fixture(scope="module")
def small_web(tmp_path_factory):
    sample_web = pytest.importorskip("pipeline.sample_web.__main__")
    folder = tmp_path_factory.mktemp("web")
    assert sample_web.main(["--output", str(folder), "--pages", "30", "--seed", "3"]) == 0
    return folder


@pytest.mark.slow
def test_two_runs_leave_the_same_weights(small_web, tmp_path):
    digests = []
    for run in ("one", "two"):
        out = tmp_path / run
        argv = ["--web", str(small_web), "--output", str(out), "--threads", "1"]
        assert main([*argv, "--clip-steps", "2", "--language-steps", "2"]) == 0
        names = ("clip/open_clip_model.safetensors", "lm/model.safetensors", "lm/tokenizer.json")
        digests.append([(out / name).read_bytes() for name in names])
        assert "For demonstration only" in (out / "README.md").read_text()
    assert digests[0] == digests[1]
