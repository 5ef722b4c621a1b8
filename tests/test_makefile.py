"""`make` installs with uv, without uv's cache where that fails, and with pip where that fails too."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = """#!/bin/sh
echo "$@" >> calls
case "$*" in
  "-m uv --version") exit $NO_UV ;;
  "-m uv pip"*--no-cache*) exit $NO_NETWORK ;;
  "-m uv pip"*) exit $NO_CACHE ;;
esac
"""
UV = "-m uv pip install --quiet --compile-bytecode --python .venv/bin/python"
PIP = "-m pip install --quiet --disable-pip-version-check"
WANTED = "-c constraints.txt -e .[model]"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.mark.parametrize(
    ("fails", "calls"),
    [
        ({}, [UV]),
        ({"NO_CACHE"}, [UV, f"{UV} --no-cache"]),
        ({"NO_CACHE", "NO_NETWORK"}, [UV, f"{UV} --no-cache", PIP]),
        ({"NO_UV"}, [PIP]),
    ],
)
def test_an_install_falls_back(tmp_path, fails, calls):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    switches = {name: str(int(name in fails)) for name in ("NO_UV", "NO_CACHE", "NO_NETWORK")}
    subprocess.run(["make", "install"], cwd=tmp_path, env=os.environ | switches, check=True)
    made = (tmp_path / "calls").read_text().splitlines()
    assert made == ["-m uv --version", *(f"{call} {WANTED}" for call in calls)]
    assert (tmp_path / ".venv" / "installed-model").exists()
