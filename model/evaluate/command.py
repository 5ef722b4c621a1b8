"""The command that evaluates a trained Flamingo: python -m model.evaluate."""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.evaluate.tasks import TASKS, Task
from schemas.benchmarks.items import Example
from schemas.recipe import RecipeError

if TYPE_CHECKING:
    from model.evaluate.few_shot import Settings
    from model.evaluate.subject import Subject

FORMAT = "open-m3w-evaluation/1"
"""What the results say of themselves."""

PROGRESS_S = 2.0
"""Seconds between progress lines."""

_ABOUT = """Evaluate the Flamingo of a run with few shots.

DATA and SUPPORT hold one example a line: {"image": PATH} or {"images": [PATH, ...]} or
{"video": PATH}, with "answers", and as the task wants "question", "text", "candidates", "history",
"relevance". Paths begin at the file's own folder. RESULTS.json gets scores with 95 % intervals and
every prediction; the same command writes the same bytes."""

_EXAMPLE = """example:
  python -m model.evaluate --run RUN --task caption --data DATA.jsonl --support SUPPORT.jsonl \\
      --shots 0,4,8 --rices --output RESULTS.json"""


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
    add("--run", required=True, type=Path, help="folder of a run of model.train")
    add("--task", required=True, choices=tuple(TASKS), help="what is asked")
    add("--data", required=True, type=Path, help="examples to answer, as JSON lines")
    add("--support", type=Path, help="answered examples to show, as JSON lines")
    add("--shots", type=_shots, default=(0, 4, 8), help="how many to show, by commas (0,4,8)")
    add("--rices", action="store_true", help="show those most like the query, not drawn ones")
    add("--permutations", type=_positive, default=1, help="orders of the shots to average (1)")
    add("--beams", type=_positive, default=3, help="of the search; 1 is greedy (3)")
    add("--max-tokens", type=_positive, default=32, help="of an open-ended answer (32)")
    add("--metric", help="instead of the task's: cider, vqa, exact, accuracy, auc, ndcg")
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


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """The results as they are written."""
    from model.evaluate.few_shot import FewShot
    from model.evaluate.subject import load_subject

    task = TASKS[options.task]
    settings = _settings(options, task)
    _check_places(options)
    queries, support = _read_sets(options, task)
    _check_scorable(options, queries, settings)
    subject = load_subject(options.run, options.device)
    for fault in subject.passed_over:
        sys.stderr.write(f"passed over {fault}\n")
    found = FewShot(subject, task, support, settings).run(queries, _Progress())
    return {**_about(options, subject, task, settings), **found}


def _settings(options: argparse.Namespace, task: Task) -> "Settings":
    """How the model is asked.

    Raises:
        RecipeError: the options do not go with one another.
    """
    from model.evaluate.few_shot import Settings
    from model.evaluate.metrics import METRICS

    name = options.metric or task.metric
    if name not in METRICS:
        raise RecipeError(f"--metric {name}: known are {', '.join(METRICS)}")
    if METRICS[name].is_closed != task.is_closed:
        kind = "candidates" if METRICS[name].is_closed else "free answers"
        raise RecipeError(f"--metric {name} scores {kind}: not for --task {task.name}")
    if options.permutations > 1 and not task.is_closed:
        raise RecipeError(f"--permutations: --task {task.name} has no candidates to score")
    return Settings(
        options.shots,
        options.rices,
        options.permutations,
        options.beams,
        options.max_tokens,
        name,
        options.seed,
    )


def _check_scorable(
    options: argparse.Namespace, queries: Sequence[Example], settings: "Settings"
) -> None:
    """Raises SetError where the metric cannot score an example."""
    from model.evaluate.metrics import METRICS
    from model.evaluate.sets import SetError

    for query in queries:
        fault = METRICS[settings.metric].fault(query)
        if fault:
            raise SetError(
                f"{options.data}: example {query.id}: --metric {settings.metric}: {fault}"
            )


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
    if not options.run.is_dir():
        raise RecipeError(f"--run {options.run} is not a folder")


def _read_sets(options: argparse.Namespace, task: Task) -> tuple[list[Example], list[Example]]:
    """The examples to answer and those to show."""
    from model.evaluate.sets import read_set, with_candidates

    queries = read_set(options.data, task)
    support = read_set(options.support, task) if options.support else []
    if task.is_closed:
        answers = {answer for one in (*queries, *support) for answer in one.answers}
        queries = with_candidates(queries, task.classes or tuple(sorted(answers)))
    return queries, support


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
    options: argparse.Namespace, subject: "Subject", task: Task, settings: "Settings"
) -> dict[str, Any]:
    """What the results say before the results."""
    return {
        "format": FORMAT,
        "model": {
            "run": str(options.run),
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
        "data": _file_of(options.data),
        "support": _file_of(options.support) if options.support else None,
    }


def _file_of(path: Path) -> dict[str, str]:
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


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
        f"{results['task']} of {results['data']['path']}, shots {results['shots_by']}, "
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


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
