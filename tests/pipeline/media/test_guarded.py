import time
from pathlib import Path

import pytest

from pipeline.media.guarded import GuardLimits, run_guarded

LIMITS = GuardLimits(cpu_s=1, memory_bytes=1 << 30, result_bytes=1 << 20)


def shell(script, source=b"x", limits=LIMITS):
    return run_guarded(["/bin/sh", "-c", script], source, limits)


def test_what_the_program_wrote_comes_back():
    assert shell("cat source source > result", b"ab") == b"abab"


@pytest.mark.parametrize("script", ["exit 0", "exit 3", "echo x > result; exit 3", "kill -9 $$"])
def test_a_failure_is_nothing(script):
    assert shell(script) is None


def test_it_sees_no_environment_no_input_and_an_empty_folder(monkeypatch):
    monkeypatch.setenv("SECRET", "canary")
    seen = shell("(echo $SECRET; ls -A; wc -c) > ../seen$$ 2>&1; mv ../seen$$ result")
    assert seen is not None
    assert seen.split() == [b"source", b"0"]


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shell("echo x > result; mkdir a; echo y > a/b; chmod 500 a")
    assert list(tmp_path.iterdir()) == []


def test_a_loop_is_killed():
    begun = time.monotonic()
    assert shell("while :; do :; done") is None
    assert time.monotonic() - begun < 5


def test_a_large_result_is_stopped():
    assert shell("head -c 3000000 /dev/zero > result") is None


def test_children_are_killed_too(tmp_path):
    mark = tmp_path / "still-there"
    assert shell(f"(sleep 0.5; touch {mark}) & echo x > result") == b"x\n"
    time.sleep(0.8)
    assert not Path(mark).exists()


def test_memory_is_bounded():
    limits = GuardLimits(cpu_s=5, memory_bytes=200 << 20)
    script = "sleep 0.2; head -c 400000000 /dev/zero | tail -c 399999999 | wc -c > result"
    assert run_guarded(["/bin/sh", "-c", f"set -e; {script}"], b"", limits) != b"399999999\n"


def test_a_sleeper_is_woken_for_good():
    begun = time.monotonic()
    assert shell("sleep 60", limits=GuardLimits(cpu_s=0)) is None
    assert time.monotonic() - begun < 5
