"""The script that measures on a GPU is not broken, though none is at hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "benchmarks" / "gpu.py"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    done = run("--output", str(tmp_path / "gpu.md"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("gpu.py: torch finds no CUDA device here")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "gpu.md").exists()


@pytest.mark.slow
def test_in_miniature_every_way_has_its_figures(toy_data: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    data = [f"--data={name}={toy_data[name]}" for name in ("m3w", "align")]
    small = ("--device", "cpu", "--tiny", "--steps", "1", "--warm", "1", "--samples", "2")
    done = run(*small, "--no-peer", *data, "--output", str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "not run" not in text, text
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| tiny")]
    full = [row for row in rows if len(row) == 8]
    assert [row[1].strip() for row in full] == [
        "ours",
        "ours, compiled",
        "ours, gathered attention",
        "ours, blocks recomputed",
    ]
    assert all(float(row[3]) > 0 and float(row[6]) > 0 for row in full)
    assert len([row for row in rows if len(row) == 3]) == 4  # the loader's stall of each
    assert "The loader alone: " in text
