"""The paper's data ablation in miniature: six trainings on a made-up web, scored with few shots.

    python tests/benchmarks/laboratory.py --output LABORATORY [--workers 2] [--arms all no-m3w ...]

Makes, in LABORATORY, a web of series, a language model that knows its words, the four corpora, a
run of model.train for each arm, and for each run the answers of model.evaluate to what no page
shows. Printed are exact match by shots with 95 % intervals as a markdown table, and what the answers
get right; the plot goes to LABORATORY/laboratory.svg. What is finished is not made again, and a run
that was stopped goes on. docs/laboratory.md says what is asked and what came out.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from laboratory_answers import SHOTS, plot_of, read_answers, scores_of, tables_of

from model.recipe import CORPORA
from pipeline.sample_web.scenes import Scene, Thing
from pipeline.sample_web.series import TITLES, draw_palette
from pipeline.sample_web.voices import KINDS, MANNERS, draw_voice

HOME = Path(__file__).resolve().parents[2]
ANSWER_TOKENS = 12
TEXTS = 12_000
"""Pages of words that the language model learns from."""

LABELS = (6, 14)
"""Fewest and most labels of such a page: on long ones more words come again."""

LANGUAGE = {"layers": 3, "batch": 20, "spread": 0.08}
"""Of the language model and its lessons, where they differ from the package's: with weights drawn
smaller it had not begun to take up a page's words after 700 steps."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One training.

    Attributes:
        title: in the table.
        without: the corpus that is left out, or "".
        changes: of the recipe.
        times: steps, in units of the others'.
    """

    title: str
    without: str = ""
    changes: tuple[str, ...] = ()
    times: int = 1


ARMS: Mapping[str, Arm] = {
    "all": Arm("all corpora"),
    "no-m3w": Arm("without M3W", "m3w"),
    "no-pairs": Arm("without image-text pairs", "pairs"),
    "no-video": Arm("without video-text pairs", "vtp"),
    "shuffled": Arm("images of a page shuffled", changes=("window.shuffled_images=true",)),
    # One corpus a step: four steps read what one step of the others reads.
    "round-robin": Arm("round robin", changes=("run.schedule=round_robin",), times=len(CORPORA)),
}


def corpora_of(arm: Arm) -> tuple[str, ...]:
    """The corpora that an arm is trained on."""
    left_out = ("align", "ltip") if arm.without == "pairs" else (arm.without,)
    return tuple(name for name in CORPORA if name not in left_out)


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where everything lies, and how much of it there is."""

    folder: Path
    pages: int
    seed: int
    steps: int
    language_steps: int
    workers: int
    changes: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: the threads that its share of the cores has."""
        threads = max(1, (os.cpu_count() or 1) // self.workers)
        return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HOME)}

    def run(self, name: str, *command: str) -> None:
        """Runs a command of this Python; what it says goes to logs/NAME.log."""
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            done = subprocess.run(
                [sys.executable, *command],
                stdout=stream, stderr=stream, env=self.environment, cwd=HOME, check=False,
            )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{name} failed: see {log}")


def texts_of(seed: int, count: int = TEXTS) -> list[str]:
    """Pages as the web has them, in words alone; one in four without its title."""
    rng = Random(seed)

    def scene(colours: Sequence[str]) -> Scene:
        thing = Thing(rng.choice(KINDS), rng.choice(colours), "plain", "large", "centre")
        return Scene("wall", "", "alone", (thing,), 0)

    texts = []
    for _ in range(count):
        voice, colours = draw_voice(rng), sorted(draw_palette(rng))
        say_it = voice.caption if rng.random() < 0.9 else voice.label
        labels = [say_it(scene(colours)) for _ in range(rng.randint(*LABELS))]
        title = [rng.choice(TITLES)] if rng.random() < 0.75 else []
        texts.append("\n".join([*title, *labels]))
    return texts


def make_language(folder: Path, seed: int, steps: int) -> None:
    """Writes the folder of a language model of the web's words."""
    import torch
    import transformers

    from model.weights.tiny_language import (
        CONTEXT,
        LanguageLessons,
        save_language,
        token_rows,
        train_language_on_rows,
    )
    from model.weights.tiny_tokenizer import save_tokenizer, train_tokenizer

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    texts = texts_of(seed)
    tokenizer = train_tokenizer(texts)
    part = folder.with_name(f"{folder.name}.part")
    save_tokenizer(tokenizer, part, CONTEXT, ends=False)
    rows_NL = token_rows(lambda some: [row.ids for row in tokenizer.encode_batch(some)], texts)
    lessons = replace(LanguageLessons(), steps=steps, **LANGUAGE)
    save_language(train_language_on_rows(rows_NL, lessons, seed, say), part)
    part.rename(folder)


def make_corpora(lab: Laboratory) -> None:
    """The web, and the four corpora built of it."""
    web, corpus = lab.folder / "web", lab.folder / "corpus"
    if not (web / "truth.jsonl").exists():
        lab.run(
            "web", "-m", "pipeline.sample_web", "--deck", "series", "--output", str(web),
            "--pages", str(lab.pages), "--seed", str(lab.seed),
        )  # fmt: skip
    if not (corpus / "manifest.json").exists():
        lab.run(
            "corpus", "-m", "pipeline.build", "--recipe", "laboratory",
            "--input", str(web / "web.warc.gz"), "--offline", "--output", str(corpus),
        )  # fmt: skip


def train_arm(lab: Laboratory, name: str) -> None:
    """Trains one arm, or goes on where it was, and scores it."""
    arm, run = ARMS[name], lab.folder / "runs" / name
    steps = lab.steps * arm.times
    last = run / "checkpoints" / f"step-{steps:08d}"
    begun = time.monotonic()
    if not last.exists():
        changes = (f"language.model={lab.folder / 'language'}", *arm.changes, *lab.changes)
        data = [f"{c}={lab.folder / 'corpus' / c / '*.tar'}" for c in corpora_of(arm)]
        lab.run(
            name, "-m", "model.train", "--recipe", "laboratory", "--output", str(run), "--resume",
            "--steps", str(steps), *[word for change in changes for word in ("--set", change)],
            *[word for item in data for word in ("--data", item)],
        )  # fmt: skip
    if not all(results_of(lab, name, manner).exists() for manner in MANNERS):
        lab.run(name, str(Path(__file__)), "--output", str(lab.folder), "--score", name)
    say(f"{name}: {time.monotonic() - begun:.0f} s")


def results_of(lab: Laboratory, arm: str, manner: str) -> Path:
    """The file of model.evaluate for one arm and one set."""
    return lab.folder / "scores" / arm / f"{manner}.json"


def score_arm(lab: Laboratory, name: str) -> None:
    """The answers of one arm to all sets, as model.evaluate gives them."""
    from model.evaluate.command import main as evaluate

    for manner in MANNERS:
        results, sets = results_of(lab, name, manner), lab.folder / "web" / "few-shot" / manner
        results.parent.mkdir(parents=True, exist_ok=True)
        status = 0 if results.exists() else evaluate([
            "--checkpoint", str(lab.folder / "runs" / name), "--task", "caption", "--metric", "exact",
            "--data", str(sets / "data.jsonl"), "--support", str(sets / "support.jsonl"),
            "--shots", ",".join(map(str, SHOTS)), "--beams", "1",
            "--max-tokens", str(ANSWER_TOKENS), "--output", str(results),
        ])  # fmt: skip
        if status:
            raise SystemExit(status)


def say(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> None:
    """Makes what is missing, and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of everything")
    parser.add_argument("--pages", type=int, default=500, help="of the web (500)")
    parser.add_argument("--steps", type=int, default=400, help="of a training (400)")
    parser.add_argument(
        "--language-steps", type=int, default=900, help="of its language model (900)"
    )
    parser.add_argument("--seed", type=int, default=3, help="of web and language model (3)")
    parser.add_argument("--workers", type=int, default=2, help="trainings side by side (2)")
    parser.add_argument("--arms", nargs="+", choices=tuple(ARMS), default=list(ARMS))
    parser.add_argument("--set", action="append", default=[], help="change every arm's recipe")
    parser.add_argument("--score", choices=tuple(ARMS), help=argparse.SUPPRESS)
    parser.add_argument("--language", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    lab = Laboratory(
        options.output.resolve(), options.pages, options.seed, options.steps,
        options.language_steps, options.workers, tuple(options.set),
    )  # fmt: skip
    if options.language:
        make_language(lab.folder / "language", lab.seed, lab.language_steps)
        return
    if options.score:
        score_arm(lab, options.score)
        return
    run_all(lab, options.arms)


def run_all(lab: Laboratory, arms: Sequence[str]) -> None:
    """Everything, `lab.workers` pieces side by side."""
    begun = time.monotonic()
    with ThreadPoolExecutor(lab.workers) as pool:
        pieces = [pool.submit(make_corpora, lab)]
        if not (lab.folder / "language").exists():
            pieces.append(pool.submit(
                lab.run, "language", str(Path(__file__)), "--language", "--output", str(lab.folder),
                "--seed", str(lab.seed), "--language-steps", str(lab.language_steps),
            ))  # fmt: skip
        for piece in pieces:
            piece.result()
        say(f"web, corpora and language model: {time.monotonic() - begun:.0f} s")
        # The longest first, so that none is left over at the end.
        order = sorted(arms, key=lambda arm: -ARMS[arm].times)
        for done in [pool.submit(train_arm, lab, arm) for arm in order]:
            done.result()
    sets, scores = lab.folder / "web" / "few-shot", lab.folder / "scores"
    answers = {ARMS[arm].title: read_answers(sets, scores / arm) for arm in arms}
    exact = {title: scores_of(of, lambda one: one.is_exact) for title, of in answers.items()}
    (lab.folder / "laboratory.svg").write_text(f"{plot_of(exact)}\n", "utf-8")
    print(tables_of(answers))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    say(f"{time.monotonic() - begun:.0f} s in all, {cpu_s:.0f} s of CPU")
    say(f"plot: {lab.folder / 'laboratory.svg'}")


if __name__ == "__main__":
    main()
