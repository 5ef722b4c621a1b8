"""The local runner: Beam's own, with workers of ours, which start anywhere and are quiet."""

import shlex
import sys
from typing import Any

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.pipeline import Pipeline
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline.stages.nursery import worker_command

# Elsewhere a fork of a process with so many libraries is not safe.
_OWN_PROCESS = f"exec {shlex.quote(sys.executable)} -m pipeline.stages.worker"
OWN_WORKERS = "own_workers"
"""A running mode that Beam does not know, so that it leaves the environment to this runner."""


class LocalRunner(FnApiRunner):
    """Beam's FnApiRunner: in this process, or in processes of `pipeline.stages.worker`."""

    def run_pipeline(self, pipeline: Pipeline, options: PipelineOptions) -> Any:
        """Runs a pipeline to its end."""
        if options.view_as(DirectOptions).direct_running_mode == OWN_WORKERS:
            # Beam's own command is unquoted, and its workers write all they do to stderr.
            command = worker_command() if sys.platform == "linux" else _OWN_PROCESS
            self._default_environment = SubprocessSDKEnvironment.from_command_string(command)
        return super().run_pipeline(pipeline, options)
