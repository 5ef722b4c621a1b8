"""The house stands: floors, doors, file sizes, first lines."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
ROOMS = ("schemas", "dedup", "model", "pipeline")
FILES = sorted(path for room in ROOMS for path in (HOME / room).rglob("*.py"))
NAMES = [str(path.relative_to(HOME)) for path in FILES]


def modules_after(statement):
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_training_imports_no_beam():
    assert "apache_beam" not in modules_after("import model.batches")


@pytest.mark.parametrize(
    "module",
    ["schemas.records", "schemas.shard", "model.clip", "dedup.fingerprint", "pipeline.build"],
)
def test_heavy_imports_wait(module):
    loaded = modules_after(f"import {module}")
    assert not loaded & {"torch", "open_clip", "transformers", "apache_beam"}


def test_a_build_that_embeds_nothing_loads_no_torch():
    assert "torch" not in modules_after("import pipeline.checks, pipeline.corpora.publish")


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_says_what_it_is_and_is_of_one_piece(path):
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the first line says what room this is"
    assert text.count("\n") <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_file_is_a_drawer(path):
    drawers = {"utils", "helpers", "common", "misc", "base", "manager"}
    assert path.stem not in drawers | sys.stdlib_module_names
