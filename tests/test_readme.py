"""The README speaks of commands, flags and files that are there."""

import importlib
import re
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
TEXT = (HOME / "README.md").read_text("utf-8")
LINES = TEXT.replace("\\\n", " ").splitlines()
COMMANDS = sorted(set(re.findall(r"python -m ((?:pipeline|dedup|model)\.\w+)", TEXT)))


def help_of(module, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(module).main(["--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("module", COMMANDS)
def test_flags_are_flags_of_their_command(module, capsys):
    shown = help_of(module, capsys)
    for line in LINES:
        if f"python -m {module}" in line:
            for flag in re.findall(r"(?<![\w-])--[a-z_-]+", line.split(module, 1)[1]):
                assert flag in shown, f"{module} {flag}"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (HOME / target).exists(), target


def test_the_two_commands_are_in_the_makefile():
    makefile = (HOME / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", TEXT, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_tests_that_the_documents_name_are_there():
    named = {
        found
        for page in (HOME / "docs").glob("*.md")
        for found in re.findall(r"(tests/[\w/]+\.py)::(\w+)", page.read_text("utf-8"))
    }
    assert named
    for file, name in sorted(named):
        assert f"def {name}(" in (HOME / file).read_text("utf-8"), f"{file}::{name}"
