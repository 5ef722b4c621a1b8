"""What a command line asks: a task, the examples to answer and to show, and how to ask them."""

import argparse
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.evaluate.tasks import TASKS, Task
from schemas.benchmarks.items import Example
from schemas.recipe import RecipeError

if TYPE_CHECKING:
    from model.evaluate.benchmarks import Benchmark, Part
    from model.evaluate.few_shot import Settings

SHOTS = (0, 4, 8)
"""Shots where nobody says how many."""

_LOST_TOLD = 5
_OF_BENCHMARKS = ("split", "support_split", "queries", "support_size")


@dataclass(frozen=True, slots=True)
class TaskOption:
    """What --task names.

    Attributes:
        name: a task, or a benchmark.
        layout: of a benchmark; "" for whatever is there.
        path: a benchmark's folder, or a file of examples; None where --data names it.
    """

    name: str
    layout: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The examples of an evaluation.

    Attributes:
        task: what is asked.
        queries: to answer.
        support: to show.
        data_told: what the results say of the queries.
        support_told: what they say of the support; None where nothing is shown.
        warnings: lines on what cannot be used.
    """

    task: Task
    queries: list[Example]
    support: list[Example]
    data_told: dict[str, Any]
    support_told: dict[str, Any] | None
    warnings: tuple[str, ...] = ()


def task_of(options: argparse.Namespace) -> Task:
    """The task of a command line, a benchmark's with the benchmark's metric.

    Raises:
        RecipeError: the options do not go with one another.
    """
    from model.evaluate.benchmarks import PROTOCOLS

    option: TaskOption = options.task
    if option.name in PROTOCOLS:
        if options.data:
            raise RecipeError(f"--data: the examples of --task {option.name} are in its folder")
        protocol = PROTOCOLS[option.name]
        return replace(TASKS[protocol.task], metric=protocol.metric)
    for name in _OF_BENCHMARKS:
        if getattr(options, name):
            raise RecipeError(f"--{name.replace('_', '-')}: goes with a benchmark's --task only")
    if (option.path is None) == (options.data is None):
        raise RecipeError(f"--task {option.name}: needs --data, or --task {option.name}=DATA.jsonl")
    return TASKS[option.name]


def check_metric(options: argparse.Namespace, task: Task) -> str:
    """The name of the metric.

    Raises:
        RecipeError: there is none of that name, or it does not go with the other options.
    """
    from model.evaluate.metrics import METRICS

    name: str = options.metric or task.metric
    if name not in METRICS:
        raise RecipeError(f"--metric {name}: known are {', '.join(METRICS)}")
    if METRICS[name].is_closed != task.is_closed:
        kind = "candidates" if METRICS[name].is_closed else "free answers"
        raise RecipeError(f"--metric {name} scores {kind}: not for --task {task.name}")
    if options.permutations > 1 and not task.is_closed:
        raise RecipeError(f"--permutations: --task {task.name} has no candidates to score")
    if name == "wups" and options.wordnet is None:
        raise RecipeError("--metric wups: needs --wordnet, a folder with WordNet's index.noun")
    return name


def settings_of(options: argparse.Namespace, task: Task, asked: Asked) -> "Settings":
    """How the model is asked.

    Raises:
        RecipeError: as `check_metric`.
    """
    from model.evaluate.few_shot import Settings

    shows = asked.support or not task.is_closed
    return Settings(
        options.shots or (SHOTS if shows else (0,)),
        options.rices,
        options.permutations,
        options.beams,
        options.max_tokens,
        check_metric(options, task),
        options.seed,
        options.wordnet,
    )


def read_asked(options: argparse.Namespace, task: Task) -> Asked:
    """The examples to answer and those to show.

    Raises:
        SetError: a set cannot be read, or an example cannot be scored.
    """
    from model.evaluate.benchmarks import PROTOCOLS

    name = options.task.name
    asked = _of_benchmark(options, task) if name in PROTOCOLS else _of_files(options, task)
    _check_scorable(options, asked)
    return asked


def _of_files(options: argparse.Namespace, task: Task) -> Asked:
    from model.evaluate.sets import read_set, with_candidates

    data = options.task.path or options.data
    queries = read_set(data, task)
    support = read_set(options.support, task) if options.support else []
    if task.is_closed:
        answers = {answer for one in (*queries, *support) for answer in one.answers}
        queries = with_candidates(queries, task.classes or tuple(sorted(answers)))
    told = _file_of(options.support) if options.support else None
    return Asked(task, queries, support, _file_of(data), told)


def _of_benchmark(options: argparse.Namespace, task: Task) -> Asked:
    from model.evaluate.benchmarks import SUPPORT, Wanted, read_benchmark
    from model.evaluate.sets import read_set, with_candidates

    path: Path = options.task.path
    size = options.support_size or SUPPORT
    given = (options.split, options.support_split, options.queries, size)
    found = read_benchmark(
        Wanted(options.task.name, path, options.task.layout, *given), options.seed
    )
    queries = list(found.queries.examples)
    if task.is_closed:
        queries = with_candidates(queries, task.classes or found.classes)
    told = found.queries.told(path, found.layout)
    if options.support:
        shown = read_set(options.support, task)
        return Asked(task, queries, shown, told, _file_of(options.support), _warnings(found))
    if found.support is None:
        return Asked(task, queries, [], told, None, _warnings(found))
    support_told = found.support.told(path, found.layout)
    return Asked(task, queries, list(found.support.examples), told, support_told, _warnings(found))


def _warnings(found: "Benchmark") -> tuple[str, ...]:
    benchmark = found.layout.benchmark
    parts = [found.queries, *([found.support] if found.support else [])]
    lost = [line for part in parts for line in _lost_lines(benchmark, part)]
    passed = [f"{benchmark}: queries are not from {split}" for split in found.passed_over]
    return (*passed, *lost)


def _lost_lines(benchmark: str, part: "Part") -> list[str]:
    """What of a split cannot be used: a count, and the first few; the results name all."""
    if not part.lost:
        return []
    head = f"{benchmark} {part.split}: {len(part.lost)} examples cannot be used"
    return [f"{head}, {one.id}: {one.why}" for one in part.lost[:_LOST_TOLD]]


def _check_scorable(options: argparse.Namespace, asked: Asked) -> None:
    """Raises SetError where the metric cannot score an example."""
    from model.evaluate.metrics import METRICS
    from model.evaluate.sets import SetError

    metric = options.metric or asked.task.metric
    for query in asked.queries:
        fault = METRICS[metric].fault(query)
        if fault:
            place = options.task.path or options.data
            raise SetError(f"{place}: example {query.id}: --metric {metric}: {fault}")


def _file_of(path: Path) -> dict[str, str]:
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
