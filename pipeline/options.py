"""Beam's options for a build, checked before anything runs."""

import argparse
import importlib
import re
from collections.abc import Sequence
from typing import Any

DEFAULT_RUNNER = "LocalRunner"
_LOCAL_RUNNER = "pipeline.stages.local_runner.LocalRunner"

# Dataflow's own errors come one by one, after minutes; these are what it cannot run without.
_DATAFLOW_NEEDS = {
    "project": "the Google Cloud project",
    "region": "the region, such as europe-west4",
    "temp_location": "a gs:// folder for temporary files",
    "sdk_container_image": "the container image with this package (see Dockerfile)",
}
_BUCKET_PATH = r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9]/\S*"
_DATAFLOW_FORMS = {
    "project": (r"[a-z][-a-z0-9:.]+[a-z0-9]", "a project's id, such as my-project-1"),
    "region": (r"[a-z]+-[a-z]+\d+", "a region, such as europe-west4"),
    "temp_location": (_BUCKET_PATH, "a folder in a bucket, such as gs://my-bucket/temp"),
    "staging_location": (_BUCKET_PATH, "a folder in a bucket, such as gs://my-bucket/staging"),
    "sdk_container_image": (r"[\w.:@/-]+", "an image's name, such as HOST/PROJECT/IMAGE:TAG"),
}
_REFUSED = {
    "dask": "DaskRunner loses data silently: outputs of finish_bundle and tagged outputs vanish",
    "interactive": "InteractiveRunner is for notebooks; a build writes files",
}
_LESS_THAN_A_BUILD = {
    "DaskRunner",
    "InteractiveRunner",
    "TestDirectRunner",
    "TestDataflowRunner",
}


class OptionsError(ValueError):
    """Wrong usage of the command line; the message says what to change."""


def beam_options(runner: str, workers: int, flags: Sequence[str]) -> Any:  # noqa: ANN401 - Beam is untyped
    """The PipelineOptions of a build.

    Args:
        runner: name of a Beam runner, with or without `Runner` behind it.
        workers: processes on this machine, for the local runner.
        flags: Beam's own options, as on the command line.

    Raises:
        OptionsError: an unknown flag or runner, a runner that loses data, a Dataflow option that
            is missing or cannot be right.
    """
    name = runner.removesuffix("Runner").removesuffix("runner").lower()
    if name in _REFUSED:
        raise OptionsError(f"--runner={runner} is refused: {_REFUSED[name]}")
    unknown = unknown_flags(flags)
    if unknown:
        raise OptionsError(f"unknown flag{'s' * (len(unknown) > 1)}: {' '.join(unknown)}")
    options: dict[str, Any] = {"runner": _known_runner(_full_name(name, runner), runner)}
    if options["runner"] == _LOCAL_RUNNER:
        from pipeline.stages.local_runner import OWN_WORKERS

        options["direct_num_workers"] = workers
        options["direct_running_mode"] = OWN_WORKERS if workers > 1 else "in_memory"
    elif workers > 1:
        raise OptionsError(
            f"--workers is for the local runner; --runner={runner} has its own flags"
        )
    from apache_beam.options.pipeline_options import PipelineOptions

    made = PipelineOptions(list(flags), **options)
    if name == "dataflow":
        _check_dataflow(made)
    return made


def unknown_flags(flags: Sequence[str]) -> list[str]:
    """The flags that no Beam option class knows: Beam itself only warns of them."""
    from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

    parser = _BeamArgumentParser(allow_abbrev=False)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    try:
        _, unknown = parser.parse_known_args(list(flags))
    except (SystemExit, argparse.ArgumentError):
        raise OptionsError(f"a Beam option has a wrong value: {' '.join(flags)}") from None
    return [flag for flag in unknown if flag.startswith("-")] or list(unknown)


def _full_name(name: str, runner: str) -> str:
    """Beam's name of a runner.

    `DirectRunner` tries a binary that it downloads before it falls back; the local runner is
    therefore always named outright, so that every build runs on the same engine.
    """
    local = dict.fromkeys(("local", "direct", "fnapi"), _LOCAL_RUNNER)
    return {**local, "dataflow": "DataflowRunner"}.get(name, runner)


def _known_runner(full: str, runner: str) -> str:
    """The runner's name, if Beam knows one of that name, or if it is the path of a class."""
    from apache_beam.options.pipeline_options import StandardOptions

    names = [path.rpartition(".")[2] for path in StandardOptions.ALL_KNOWN_RUNNERS]
    if full == _LOCAL_RUNNER or full.lower().removesuffix("runner") in {
        name.lower().removesuffix("runner") for name in names
    }:
        return full
    module, dot, name = full.rpartition(".")
    if not dot:
        known = {DEFAULT_RUNNER, *StandardOptions.KNOWN_RUNNER_NAMES}
        possible = sorted(known - _LESS_THAN_A_BUILD)
        raise OptionsError(
            f"--runner={runner}: no such runner; possible are {', '.join(possible)}, "
            "or the path of a class as package.module.Class"
        )
    try:
        getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise OptionsError(f"--runner={runner}: {error}") from None
    return full


def _check_dataflow(options: Any) -> None:  # noqa: ANN401 - Beam is untyped
    """Raises OptionsError with every option that Dataflow lacks or cannot take, all at once."""
    values = options.get_all_options()
    missing = [
        f"--{name} ({what})" for name, what in _DATAFLOW_NEEDS.items() if not values.get(name)
    ]
    if missing:
        raise OptionsError("--runner=Dataflow needs " + ", ".join(missing))
    wrong = [
        f"--{name}={values[name]} is not {what}"
        for name, (form, what) in _DATAFLOW_FORMS.items()
        if values.get(name) and not re.fullmatch(form, str(values[name]))
    ]
    if wrong:
        raise OptionsError("--runner=Dataflow: " + "; ".join(wrong))
    try:
        # What submits a job; Beam's runner itself imports without Google's clients.
        importlib.import_module("apache_beam.runners.dataflow.internal.apiclient")
    except ImportError as error:
        raise OptionsError(
            "--runner=Dataflow needs the package's extra gcp (pip install 'open-m3w[gcp]'): "
            f"{error}"
        ) from None
