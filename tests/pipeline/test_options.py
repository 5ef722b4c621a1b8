import sys

import pytest
from apache_beam import Pipeline
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from pipeline.options import OptionsError, beam_options, unknown_flags
from pipeline.stages.local_runner import OWN_WORKERS, LocalRunner


@pytest.mark.parametrize("runner", ["LocalRunner", "FnApiRunner", "DirectRunner", "direct"])
def test_the_local_runner_is_named_outright(runner):
    options = beam_options(runner, 1, [])
    assert isinstance(Pipeline(options=options).runner, LocalRunner)
    assert options.view_as(DirectOptions).direct_running_mode == "in_memory"


def test_workers_are_processes_of_our_own():
    options = beam_options("LocalRunner", 3, []).view_as(DirectOptions)
    assert (options.direct_num_workers, options.direct_running_mode) == (3, OWN_WORKERS)


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


def test_a_runner_that_is_none_is_told_those_that_are():
    with pytest.raises(OptionsError, match=r"--runner=Bogus: no such runner; possible are .*Flink"):
        beam_options("Bogus", 1, [])
    with pytest.raises(OptionsError, match=r"--runner=no\.such\.Class: No module named 'no'"):
        beam_options("no.such.Class", 1, [])
    with pytest.raises(OptionsError, match="has no attribute 'Other'"):
        beam_options("apache_beam.Other", 1, [])
    whole = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    for runner, named in (("Spark", "Spark"), (whole, whole)):
        assert beam_options(runner, 1, []).view_as(StandardOptions).runner == named


DATAFLOW = {
    "project": "my-project",
    "region": "europe-west4",
    "temp_location": "gs://my-bucket/temp",
    "sdk_container_image": "eu.example/p/image:1",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project", "My Project"),
        ("region", "Europe"),
        ("temp_location", "/tmp/x"),
        ("temp_location", "gs://my-bucket"),
        ("staging_location", "s3://my-bucket/x"),
        ("sdk_container_image", "an image"),
    ],
)
def test_what_dataflow_cannot_take_is_named(name, value):
    flags = [f"--{key}={one}" for key, one in {**DATAFLOW, name: value}.items()]
    with pytest.raises(OptionsError) as caught:
        beam_options("Dataflow", 1, flags)
    assert str(caught.value).startswith(f"--runner=Dataflow: --{name}={value} is not ")
    assert ";" not in str(caught.value)


def test_dataflow_without_googles_clients_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.runners.dataflow.internal.apiclient", None)
    with pytest.raises(OptionsError, match=r"extra gcp \(pip install 'open-m3w\[gcp\]'\)"):
        beam_options("Dataflow", 1, [f"--{key}={one}" for key, one in DATAFLOW.items()])
