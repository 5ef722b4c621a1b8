"""A program run on bytes that nobody vouches for: alone in a folder, with its limits counted."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = "source"
"""The name under which the program finds its input, in its working folder."""

RESULT = "result"
"""The name under which the program leaves its output, in its working folder."""

_LIMITED = (
    'ulimit -t "$1" && ulimit -v "$2" && ulimit -f "$3" && ulimit -c 0 && shift 3 && exec "$@"'
)
"""Limits are set by a shell that then becomes the program: Python code between fork and exec may
hang where there are threads, and limits set from outside come too late for a quick program."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """What a program may use before it is killed.

    Attributes:
        cpu_s: seconds of CPU; the wall clock may show five times that.
        memory_bytes: address space.
        result_bytes: of any file that it writes.
    """

    cpu_s: int = 120
    memory_bytes: int = 4 << 30
    result_bytes: int = 1 << 30


def run_guarded(command: Sequence[str], source: bytes, limits: GuardLimits) -> bytes | None:
    """What the program wrote as RESULT; None if it failed, wrote nothing or was killed.

    It runs in an empty folder of its own, in a process group of its own that is killed at the end
    whatever happens, without input, environment or a place to write messages to.
    """
    with tempfile.TemporaryDirectory(prefix="guarded-") as folder:
        (Path(folder) / SOURCE).write_bytes(source)
        done = _run(command, folder, limits)
        result = Path(folder) / RESULT
        return result.read_bytes() if done and result.is_file() else None


def _run(command: Sequence[str], folder: str, limits: GuardLimits) -> bool:
    limited = [str(limits.cpu_s), str(limits.memory_bytes >> 10), str(limits.result_bytes >> 9)]
    process = subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "guarded", *limited, *command],
        cwd=folder,
        env={"LANG": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(limits.cpu_s * 5) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        _kill_group(process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
