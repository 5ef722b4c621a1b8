"""The command that evaluates a trained Flamingo: python -m model.evaluate."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.evaluate.asked import TaskOption, check_metric, read_asked, settings_of, task_of
from model.evaluate.tasks import TASKS
from schemas.recipe import RecipeError

if TYPE_CHECKING:
    from model.evaluate.asked import Asked
    from model.evaluate.few_shot import Settings
    from model.evaluate.subject import Subject

FORMAT = "open-m3w-evaluation/1"
"""What the results say of themselves."""

PROGRESS_S = 2.0
"""Seconds between progress lines."""

_ABOUT = """Evaluate a Flamingo with few shots.

--task NAME=PATH takes a benchmark's folder as its publisher ships it (coco, flickr30k, vqav2,
okvqa, vizwiz, textvqa, visdial, hatefulmemes, msvdqa, msrvttqa, vatex, ivqa, youcook2, star,
nextqa, rareact, imagenet, kinetics; NAME:LAYOUT=PATH names one of several layouts), or a kind of
question and a file of examples.

Such a file, DATA and SUPPORT, holds one example a line: {"image": PATH} or {"images": [PATH, ...]}
or {"video": PATH}, with "answers", and as the task wants "question", "text", "candidates",
"history", "relevance", "kind". Paths begin at the file's own folder. RESULTS.json gets scores with
95 % intervals and every prediction; the same command writes the same bytes."""

_EXAMPLE = """examples:
  python -m model.evaluate --checkpoint RUN --task okvqa=OKVQA --shots 0 4 8 --output RESULTS.json
  python -m model.evaluate --checkpoint MODEL --task caption --data DATA.jsonl \\
      --support SUPPORT.jsonl --shots 0,4,8 --rices --output RESULTS.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 the run or a set cannot be used, 2 wrong usage."""
    options = _parser().parse_args(argv)
    # As in training: threads that wait by spinning cost more than they give.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from model.checkpoint import CheckpointError
    from model.evaluate.sets import SetError

    try:
        results = _evaluate(options)
        _write(options.output, results)
    except RecipeError as error:
        sys.stderr.write(f"model.evaluate: {error}\n")
        return 2
    except (SetError, CheckpointError) as error:
        sys.stderr.write(f"model.evaluate: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"model.evaluate: {error.filename or options.output}: {error.strerror}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("model.evaluate: stopped\n")
        return 1
    sys.stdout.write(table_of(results))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluate",
        description=_ABOUT,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    model = parser.add_mutually_exclusive_group(required=True)
    kinds = f"a benchmark, or one of {', '.join(TASKS)}"
    metrics = "cider, vqa, exact, ivqa, wups, accuracy, auc, ndcg, mwap"
    told = "folder of a run of model.train, of one of its checkpoints, or that model.export wrote"
    model.add_argument("--checkpoint", type=Path, metavar="DIR", help=told)
    model.add_argument("--run", type=Path, dest="checkpoint", metavar="DIR", help="the same")
    add("--task", required=True, type=_task, metavar="NAME[=PATH]", help=kinds)
    add("--data", type=Path, help="examples to answer, as JSON lines")
    add("--support", type=Path, help="answered examples to show, as JSON lines")
    add("--split", default="", help="of a benchmark: where queries are from (test or val)")
    add("--support-split", default="", help="of a benchmark: where shots are from (train)")
    add("--queries", type=_positive, help="of a benchmark: how many (5000 of coco, else 1024)")
    add("--support-size", type=_positive, help="of a benchmark: shots are from so many (2048)")
    add("--shots", type=_shots, nargs="+", help="how many to show (0 4 8, or 0,4,8)")
    add("--rices", action="store_true", help="show those most like the query, not drawn ones")
    add("--permutations", type=_positive, default=1, help="orders of the shots to average (1)")
    add("--beams", type=_positive, default=3, help="of the search; 1 is greedy (3)")
    add("--max-tokens", type=_positive, default=32, help="of an open-ended answer (32)")
    add("--metric", help=f"instead of the task's: {metrics}")
    add("--wordnet", type=Path, help="folder of WordNet's database, for wups")
    add("--seed", type=_natural, default=0, help="of all that is drawn (0)")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="where to run (cpu)")
    add("--output", required=True, type=Path, metavar="RESULTS.json", help="file of the results")
    return parser


def _natural(text: str, least: int = 0) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} on, got {text}")
    return int(text)


def _positive(text: str) -> int:
    return _natural(text, 1)


def _shots(text: str) -> tuple[int, ...]:
    """Numbers of shots, each once, in the order given."""
    return tuple(dict.fromkeys(_natural(part.strip()) for part in text.split(",")))


def _task(text: str) -> TaskOption:
    """What --task says: a kind of question or a benchmark, and where its data lies."""
    from model.evaluate.benchmarks import PROTOCOLS
    from schemas.benchmarks.layouts import benchmark_of

    named, equals, path = text.partition("=")
    name, _, layout = named.partition(":")
    benchmark = benchmark_of(name)
    if name not in TASKS and benchmark not in PROTOCOLS:
        known = ", ".join((*TASKS, *PROTOCOLS))
        raise argparse.ArgumentTypeError(f"no task {name} (known: {known})")
    if benchmark and not path:
        raise argparse.ArgumentTypeError(f"{name} needs its folder: --task {name}=PATH")
    if (equals and not path) or (layout and not benchmark):
        raise argparse.ArgumentTypeError(f"must be NAME[=PATH], got {text}")
    return TaskOption(benchmark or name, layout, Path(path) if path else None)


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """The results as they are written."""
    from model.evaluate.few_shot import FewShot

    if options.shots:
        options.shots = tuple(dict.fromkeys(shots for part in options.shots for shots in part))
    task = task_of(options)
    check_metric(options, task)
    _check_places(options)
    asked = read_asked(options, task)
    for line in asked.warnings:
        sys.stderr.write(f"model.evaluate: {line}\n")
    settings = settings_of(options, task, asked)
    subject = _load(options.checkpoint, options.device)
    for fault in subject.passed_over:
        sys.stderr.write(f"passed over {fault}\n")
    found = FewShot(subject, task, asked.support, settings).run(asked.queries, _Progress())
    return {**_about(options, subject, asked, settings), **found}


def _load(folder: Path, device: str) -> "Subject":
    """The model in a folder: of a run, of a checkpoint, or exported."""
    from model.evaluate.subject import load_subject
    from model.export.folder import is_exported, read_subject

    return read_subject(folder, device) if is_exported(folder) else load_subject(folder, device)


def _check_places(options: argparse.Namespace) -> None:
    """Raises RecipeError where the device or the output's folder is not there."""
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise RecipeError("--device cuda: torch finds no CUDA device here")
    output: Path = options.output
    if output.is_dir():
        raise RecipeError(f"--output {output} is a folder")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK | os.X_OK):
        raise RecipeError(f"--output {output}: {output.parent} is no folder that can be written to")
    if not options.checkpoint.is_dir():
        raise RecipeError(f"--checkpoint {options.checkpoint} is not a folder")


class _Progress:
    """A line every other second, and at the end of each number of shots."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, shots: int, done: int, queries: int) -> None:
        now = time.monotonic()
        if now - self._told > PROGRESS_S or done == queries:
            self._told = now
            sys.stderr.write(f"{shots} shots: {done}/{queries}\n")
            sys.stderr.flush()


def _about(
    options: argparse.Namespace, subject: "Subject", asked: "Asked", settings: "Settings"
) -> dict[str, Any]:
    """What the results say before the results."""
    task = asked.task
    return {
        "format": FORMAT,
        "model": {
            "run": str(options.checkpoint),
            "checkpoint": subject.checkpoint.name,
            "vision": subject.recipe.vision.model,
            "language": subject.recipe.language.model,
            "weights_sha256": subject.digest,
        },
        "task": task.name,
        "prompt": task.prompt,
        "metric": settings.metric,
        "shots_by": "rices" if settings.rices else "random",
        "permutations": settings.permutations,
        "beams": None if task.is_closed else settings.beams,
        "max_tokens": None if task.is_closed else settings.max_tokens,
        "seed": settings.seed,
        "data": asked.data_told,
        "support": asked.support_told,
    }


def _write(output: Path, results: dict[str, Any]) -> None:
    """Writes the results, all or nothing."""
    part = output.with_name(f".{output.name}.part")
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
    part.write_text(f"{text}\n", encoding="utf-8")
    part.replace(output)


def table_of(results: dict[str, Any]) -> str:
    """The results as a table of text: which model, which task, a line a number of shots."""
    from model.evaluate.metrics import METRICS

    model, title = results["model"], METRICS[results["metric"]].title
    head = (
        f"{results['task']} of {_place_of(results['data'])}, shots {results['shots_by']}, "
        f"seed {results['seed']}\n"
        f"{model['run']} {model['checkpoint']}, weights {model['weights_sha256'][:12]}\n\n"
    )
    width = max(len(title), 6)
    lines = [f"shots  examples  {title:>{width}}  95 % interval"]
    for row in results["results"]:
        low, high = (_number(value) for value in row["interval"])
        score = _number(row["score"])
        lines.append(f"{row['shots']:>5}  {row['examples']:>8}  {score:>{width}}  {low} to {high}")
    return head + "\n".join(lines) + "\n"


def _place_of(data: dict[str, Any]) -> str:
    """The file, or the benchmark's folder with its name and split."""
    if "benchmark" not in data:
        return str(data["path"])
    return f"{data['benchmark']} {data['split']} in {data['path']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
