import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from pipeline.options import OptionsError, beam_options, unknown_flags


def test_the_local_runner_is_named_outright():
    for runner in ("FnApiRunner", "DirectRunner", "direct"):
        options = beam_options(runner, 1, [])
        assert options.view_as(StandardOptions).runner == "FnApiRunner"
        assert options.view_as(DirectOptions).direct_running_mode == "in_memory"


def test_workers_are_processes_of_this_interpreter(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    options = beam_options("FnApiRunner", 3, []).view_as(DirectOptions)
    assert (options.direct_num_workers, options.direct_running_mode) == (3, "multi_processing")
    import os

    assert os.environ["PATH"].startswith(str(Path(sys.executable).parent))


@pytest.mark.parametrize(
    ("runner", "workers", "flags", "message"),
    [
        ("FnApiRunner", 1, ["--nonsense=3"], "unknown flag: --nonsense=3"),
        ("FnApiRunner", 1, ["--nonsense", "3", "--other"], "unknown flags: --nonsense --other"),
        ("FnApiRunner", 1, ["stray"], "unknown flag: stray"),
        ("FnApiRunner", 1, ["--direct_runner_bundle_repeat=often"], "wrong value"),
        ("DaskRunner", 1, [], "DaskRunner is refused: DaskRunner loses data silently"),
        ("FlinkRunner", 2, [], "--workers is for the local runner"),
    ],
)
def test_wrong_usage_is_named(runner, workers, flags, message):
    with pytest.raises(OptionsError) as caught:
        beam_options(runner, workers, flags)
    assert message in str(caught.value)


def test_dataflow_says_all_that_is_missing_at_once():
    with pytest.raises(OptionsError) as caught:
        beam_options("Dataflow", 1, ["--project=p"])
    message = str(caught.value)
    assert "--project" not in message
    for name in ("--region", "--temp_location", "--sdk_container_image"):
        assert name in message


def test_beams_own_flags_are_known():
    assert unknown_flags(["--direct_runner_bundle_repeat=2", "--job_name", "x"]) == []
    assert unknown_flags(["--job_name=x", "--jobname=x"]) == ["--jobname=x"]


def test_a_path_that_the_shell_would_cut_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/home/a b/.venv/bin/python")
    with pytest.raises(OptionsError, match="cannot start workers from /home/a b/"):
        beam_options("FnApiRunner", 2, [])
    assert beam_options("FnApiRunner", 1, [])
