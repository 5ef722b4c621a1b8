"""Workers of the local runner without a start of their own: forks of one process that has it all.

A build runs some twenty stages, each with new workers; a second and more of a worker's life goes
into imports. The nursery imports once, before any thread is there, and forks at each call. Beam
starts a worker by a command and waits for its end, so `call.py` stands in for the worker: it calls,
and lives as long as the fork.
"""

import atexit
import importlib
import json
import os
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from pipeline.stages.worker import hear_what_is_wrong
from pipeline.stages.worker import main as work

_PRELOADED = (
    "apache_beam.runners.worker.sdk_worker_main",
    "pipeline.corpora.plan",
    "pyarrow.parquet",
    "aiohttp",
    "numpy",
    "PIL.Image",
    "open_clip",  # and torch with it; where it is installed
)
_MOST_ENVIRONMENT = 1 << 20
_CALLERS = 64
_CALL = Path(__file__).with_name("call.py")


def worker_command() -> str:
    """The shell command that stands for a worker; the first call starts this process's nursery."""
    # Neither site packages nor the folder of the script: it needs nothing and starts in 20 ms.
    return f"exec {shlex.quote(sys.executable)} -I -S {_CALL} {shlex.quote(_start())}"


@cache
def _start() -> str:
    """Starts the nursery, which lives as long as this process; gives the path of its socket."""
    folder = tempfile.mkdtemp(prefix="workers-")
    path = os.path.join(folder, "socket")  # noqa: PTH118 - the socket module takes strings
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(_CALLERS)
        nursery = subprocess.Popen(
            [sys.executable, "-m", "pipeline.stages.nursery", str(listener.fileno())],
            stdin=subprocess.PIPE,  # whose end tells the nursery that we are gone
            pass_fds=[listener.fileno()],
        )
    atexit.register(nursery.communicate)
    return path


def serve(listener: socket.socket, work: Callable[[], object]) -> None:
    """Forks a worker at each call until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets those that have ended
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in waiting.select()]
            if 0 in ready:
                return
            caller, _ = listener.accept()
            if os.fork() == 0:
                waiting.close()
                listener.close()
                _live(caller, work)
            caller.close()


def _live(caller: socket.socket, work: Callable[[], object]) -> None:
    """Lives as the caller's worker, with its environment and its output; never returns."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        message, descriptors, _, _ = socket.recv_fds(caller, _MOST_ENVIRONMENT, 2)
        while not message.endswith(b"\n"):
            message += caller.recv(_MOST_ENVIRONMENT)
        for number, descriptor in enumerate(descriptors, 1):  # standard output and error
            os.dup2(descriptor, number)
            os.close(descriptor)
        with open(os.devnull) as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 0)
        os.environ.clear()
        os.environ.update(json.loads(message))
        threading.Thread(target=_end_with, args=(caller,), daemon=True).start()
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except Exception:  # noqa: BLE001 - a process ends here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.send(bytes([code & 0xFF]))
        os._exit(code)


def _end_with(caller: socket.socket) -> None:
    """Ends the worker where its caller was killed."""
    caller.recv(1)
    os._exit(1)


def main() -> None:
    """Serves at the socket whose descriptor is named."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; workers end with their callers
    hear_what_is_wrong()
    for name in _PRELOADED:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    listener = socket.socket(fileno=int(sys.argv[1]))
    try:
        serve(listener, work)
    finally:  # also where whoever started it was killed
        shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)


if __name__ == "__main__":
    main()
