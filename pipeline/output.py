"""The output folder of a build: checked before anything runs, claimed while one writes to it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.options import OptionsError
from pipeline.stages.beam_files import has_client, is_local, no_client

_CLAIM = "work/claim"


class OutputClaimed(Exception):
    """Another build writes to the output; the message says which."""


def absolute(path: str) -> str:
    """A path as workers name it: absolute where it is local."""
    return os.path.abspath(path) if is_local(path) else path.rstrip("/")  # noqa: PTH100 - no links resolved


def resolve_output(path: str) -> str:
    """The output folder as workers name it.

    Raises:
        OptionsError: it is a file, or nothing here opens such a path.
    """
    output = absolute(path)
    if not is_local(output) and not has_client(output):
        raise OptionsError(f"--output {output}: {no_client(output)}")
    if is_local(output) and Path(output).exists() and not Path(output).is_dir():
        raise OptionsError(f"--output {output}: is a file; a folder is wanted")
    return output


@contextmanager
def claim_output(output: str) -> Iterator[None]:
    """Holds an output folder while the block runs; the kernel lets go of a killed build's.

    A folder in a bucket is not held: nothing there tells a dead holder from a living one.

    Args:
        output: as `resolve_output` gives it.

    Raises:
        OptionsError: nothing can be written there.
        OutputClaimed: another process holds it.
    """
    if not is_local(output):
        yield
        return
    _require_writable(output)
    with Path(output, _CLAIM).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise OutputClaimed(
                f"{output}: another build writes to it (process {holder}); wait for it, or stop it"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _require_writable(output: str) -> None:
    work = Path(output, "work")
    try:
        work.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=work).close()
    except OSError as error:
        why = error.strerror or error
        raise OptionsError(f"--output {output}: cannot be written: {why}") from None
