"""Forks that stand for workers: whose they are, and when they end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")

CALL = Path(__file__).parents[3] / "pipeline/stages/call.py"
SERVE = """
import os, socket, sys, time
from pipeline.stages.nursery import serve
def work():
    print("pid", os.getpid(), os.environ["SAID"], len(os.environ.get("MUCH", "")), flush=True)
    print("wrong", file=sys.stderr)
    if os.environ["SAID"] == "fails":
        raise ValueError("no")
    if os.environ["SAID"] == "leaves":
        sys.exit(7)
    if os.environ["SAID"] == "child":
        import subprocess
        sys.exit(subprocess.run(["false"]).returncode + 8)
    if os.environ["SAID"] == "waits":
        time.sleep(600)
serve(socket.socket(fileno=int(sys.argv[1])), work)
"""
Call = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def nursery(tmp_path: Path) -> "Iterator[tuple[subprocess.Popen[bytes], Call]]":
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )

    def call(said: str, much: str = "") -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(CALL), path],
            env={**os.environ, "SAID": said, "MUCH": much},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    yield process, call
    process.kill()
    process.communicate()


def ends(pid: int) -> bool:
    """Whether a process is gone within ten seconds."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def pid_of(called: "subprocess.Popen[str]") -> int:
    assert called.stdout is not None
    return int(called.stdout.readline().split()[1])


@pytest.mark.parametrize(
    ("said", "status"), [("all", 0), ("fails", 1), ("leaves", 7), ("child", 9)]
)
def test_a_worker_has_its_callers_environment_output_and_status(
    nursery: "tuple[subprocess.Popen[bytes], Call]", said: str, status: int
) -> None:
    out, err = (called := nursery[1](said, "x" * 100_000)).communicate(timeout=60)
    assert out.split()[2:] == [said, "100000"]
    assert err.startswith("wrong\n")
    assert ("ValueError: no" in err) == (said == "fails")
    assert called.returncode == status


def test_workers_are_forks_of_their_own(nursery: "tuple[subprocess.Popen[bytes], Call]") -> None:
    called = [nursery[1]("all") for _ in range(3)]
    outputs = [one.communicate(timeout=60)[0].split()[1] for one in called]
    assert len({*outputs, str(nursery[0].pid)}) == 4


def test_a_worker_ends_with_its_caller(nursery: "tuple[subprocess.Popen[bytes], Call]") -> None:
    called = nursery[1]("waits")
    pid = pid_of(called)
    called.kill()
    called.communicate()
    assert ends(pid)


def test_a_caller_ends_with_its_worker(nursery: "tuple[subprocess.Popen[bytes], Call]") -> None:
    called = nursery[1]("waits")
    os.kill(pid_of(called), signal.SIGKILL)
    called.communicate(timeout=60)
    assert called.returncode == 1


def test_the_nursery_ends_with_whoever_started_it(
    nursery: "tuple[subprocess.Popen[bytes], Call]",
) -> None:
    process, call = nursery
    call("all").communicate(timeout=60)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == 0


def test_one_nursery_serves_all_stages_and_cleans_up_behind_itself() -> None:
    code = "from pipeline.stages.nursery import worker_command as w; print(w()); print(w())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == second
    socket_path = Path(first.split()[-1])
    assert not socket_path.parent.exists()
    assert str(CALL) in first
