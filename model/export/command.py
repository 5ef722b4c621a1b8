"""The command that makes a folder of a trained Flamingo: python -m model.export."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.recipe import RecipeError

if TYPE_CHECKING:
    from model.evaluate.subject import Subject

_ABOUT = """Write the Flamingo of a run as a folder that model.load takes: its trained weights, its
recipe, its tokenizer and a model card. Or, where the recipe has OpenFlamingo's shape, as the .pt
file that open_flamingo loads."""

_EXAMPLE = """example:
  python -m model.export --run RUN --output FOLDER --with-frozen
  python -c "import model; print(model.load('FOLDER').generate(['we see']))" """


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 the run cannot be used, 2 wrong usage."""
    options = _parser().parse_args(argv)
    # As in training: threads that wait by spinning cost more than they give.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from model.checkpoint import CheckpointError

    try:
        _check(options)
        told = _export(options)
    except RecipeError as error:
        return _failed(error, 2)
    except CheckpointError as error:
        return _failed(error, 1)
    except OSError as error:
        return _failed(f"{error.filename or options.output}: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _failed("stopped", 1)
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def _failed(why: object, status: int) -> int:
    """The exit status; says why."""
    sys.stderr.write(f"model.export: {why}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.export",
        description=_ABOUT,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--run", required=True, type=Path, help="folder of a run of model.train")
    add("--output", required=True, type=Path, help="folder to make, or FILE.pt of open-flamingo")
    add("--with-frozen", action="store_true", help="with the vision and language model")
    add(
        "--format",
        choices=("folder", "open-flamingo"),
        default="folder",
        help="what to write (folder)",
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """Raises RecipeError where nothing could be written, or should not be."""
    output: Path = options.output
    if options.format == "open-flamingo" and options.with_frozen:
        raise RecipeError("--with-frozen: OpenFlamingo's file holds trained weights only")
    if os.path.lexists(output):
        raise RecipeError(f"--output {output} is there already: give another")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK | os.X_OK):
        raise RecipeError(f"--output {output}: {output.parent} is no folder that can be written to")


def _export(options: argparse.Namespace) -> dict[str, Any]:
    """What was written, in words; under another name until it is whole."""
    from model.evaluate.subject import load_subject

    subject = load_subject(options.run, "cpu")
    for fault in subject.passed_over:
        sys.stderr.write(f"passed over {fault}\n")
    output: Path = options.output
    part = output.with_name(f".{output.name}.part")
    write = _write_folder if options.format == "folder" else _write_open_flamingo
    _remove(part)
    try:
        write(options, subject, part)
        part.rename(output)
    finally:
        _remove(part)
    return {"output": str(output), "checkpoint": str(subject.checkpoint)}


def _remove(part: Path) -> None:
    """Takes away what an attempt has left, folder or file."""
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _write_folder(options: argparse.Namespace, subject: "Subject", part: Path) -> None:
    from model.export.card import card_of
    from model.export.folder import config_of, write_folder
    from model.run_log import read_log

    state = json.loads((subject.checkpoint / "state.json").read_bytes())
    config = config_of(subject, state["step"], with_frozen=options.with_frozen)
    log = read_log(options.run, state["step"])
    write_folder(part, subject, config, card_of(options.output.name, config, state, log))


def _write_open_flamingo(options: argparse.Namespace, subject: "Subject", part: Path) -> None:
    del options
    from model.export.open_flamingo import write_open_flamingo

    write_open_flamingo(part, subject)
