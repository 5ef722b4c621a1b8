import os
import signal
import subprocess
import sys

import pytest

from pipeline.output import OutputClaimed, absolute, claim_output

HOLD = """
import sys, time
from pipeline.output import claim_output
with claim_output(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def refused(output):
    with pytest.raises(OutputClaimed) as caught, claim_output(str(output)):
        pass
    return str(caught.value)


def test_a_second_claim_names_the_process_that_holds_the_first(tmp_path):
    with claim_output(str(tmp_path)):
        assert f"(process {os.getpid()})" in refused(tmp_path)
    with claim_output(str(tmp_path)):
        pass


def test_a_killed_process_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            assert f"(process {holder.pid})" in refused(tmp_path)
        finally:
            holder.send_signal(signal.SIGKILL)
    with claim_output(str(tmp_path)):
        pass


def test_a_claim_makes_its_folder(tmp_path):
    with claim_output(str(tmp_path / "new")):
        assert (tmp_path / "new" / "work").is_dir()


def test_paths_are_absolute_where_they_are_local(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("out/") == f"{tmp_path}/out"
    assert absolute("gs://bucket/out/") == "gs://bucket/out"
