"""The trainer on a GPU, beside open_flamingo's on the same documents: writes docs/gpu.md in one call.

    python tests/benchmarks/gpu.py [--data m3w='OUT/m3w/*.tar' --data align='OUT/align/*.tar']

Two shapes with made weights; interleaved documents alone, pairs alone, and both 1:2 (open_flamingo's
32 and 64 a step); each way in a process of its own, 10 steps to warm up and 50 timed. Of each: real
tokens/s and images/s, MFU from real FLOPs (of the documents, not of what is computed), peak memory,
the largest batch that fits. Then our loader: its stall in training, and alone. open_flamingo is fed
from memory. What cannot be run is told in its row, and the rest goes on. Without a GPU: exit 1; with
`--device cpu --tiny --steps 2` all of it in miniature.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from gpu_ours import Task, given_to_peer, measure
from vs_open_flamingo import HERE, LARGE, PARITY, SMALL, Shape, made_up_data, peer_python

from model.devices import peak_flops_of

PAGE = HERE.parents[1] / "docs" / "gpu.md"
MIXES = {"interleaved": ("m3w",), "pairs": ("align",), "both, 1:2": ("m3w", "align")}
OURS = {
    "ours": {},
    "ours, compiled": {"compile": True},
    "ours, gathered attention": {"attention": "gathered"},
    "ours, blocks recomputed": {"recompute": True},
}
THEIRS = {"open_flamingo, fp32 (its default)": "fp32", "open_flamingo, amp_bf16": "amp_bf16"}
TINY = replace(PARITY, name="tiny", vision="ViT-S-32-alt")
CARDS = "| shape, documents | trainer | batch | real tokens/s | images/s | MFU | peak GiB | largest batch |"


@dataclass(frozen=True)
class Row:
    """What one way came to.

    Attributes:
        who: the trainer.
        figures: of it; None where it could not be run.
        why: it could not.
    """

    who: str
    figures: dict[str, Any] | None
    why: str = ""


def in_a_process(command: Sequence[str], result: Path) -> tuple[dict[str, Any] | None, str]:
    """The figures that a command writes, or the last line of its error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not result.exists():
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return None, lines[-1][:160]
    return json.loads(result.read_text()), ""


def rows_of(task: Task, folder: Path, python: str) -> Iterator[Row]:
    """All ways of one shape on one mix of documents."""
    result = folder / "figures.json"
    given = folder / "task.json"
    for who, changes in OURS.items():
        given.write_text(json.dumps(asdict(replace(task, run=changes))))
        command = [sys.executable, str(HERE / "gpu_ours.py"), str(given), str(result)]
        yield Row(who, *in_a_process(command, result))
        result.unlink(missing_ok=True)
    if not python:
        return
    documents = folder / "documents.pt"
    real = given_to_peer(task, documents)
    for who, precision in THEIRS.items():
        peer = HERE / "peer_train.py"
        command = [python, str(peer), str(documents), str(result), precision]
        figures, why = in_a_process(command, result)
        if figures:
            share = figures["batch"] / task.samples  # it took fewer where all did not fit
            figures |= {key: share * value * figures["steps_per_s"] for key, value in real.items()}
        yield Row(who, figures, why)
        result.unlink(missing_ok=True)


def told(row: Row, label: str, peak: float) -> str:
    """A row as a line of the table."""
    if row.figures is None:
        return f"| {label} | {row.who} | not run: {row.why} | | | | | |"
    found = row.figures
    mfu = f"{found['flops_per_s'] / peak:.1%}" if peak else "-"
    return (
        f"| {label} | {row.who} | {found['batch']} | {found['tokens_per_s']:.0f} | "
        f"{found['images_per_s']:.0f} | {mfu} | {found['peak_bytes'] / 2**30:.2f} | "
        f"{found['largest_batch']} |"
    )


def loader_line(task: Task) -> str:
    """Our loader alone, on what was read before as little as on anything else."""
    found = measure(replace(task, run={"loader": True}))
    cores = os.cpu_count() or 1
    return (
        f"The loader alone: {found['samples_per_s']:.0f} documents/s and {found['images_per_s']:.0f} "
        f"images/s, {found['samples_per_s'] / cores:.0f} documents/s a core on {cores} cores."
    )


def page(options: argparse.Namespace, data: dict[str, str], python: str) -> str:
    """docs/gpu.md."""
    device = torch.device(options.device)
    peak = peak_flops_of(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU, in miniature"
    command = "python tests/benchmarks/gpu.py " + " ".join(options.told)
    lines = [
        "# On a GPU\n",
        f"`{command.strip()}`: {name}, torch {torch.__version__}; {options.warm} steps to warm up, "
        f"{options.steps} timed. Real tokens, images and FLOPs are those of the documents, without "
        f"padding; MFU is of {peak / 1e12:.0f} TFLOP/s (dense bf16).\n",
        CARDS,
        "|---|---|---|---|---|---|---|---|",
    ]
    shapes: tuple[Shape, ...] = (TINY,) if options.tiny else (SMALL, LARGE)
    waits = []
    with tempfile.TemporaryDirectory() as folder:
        for shape in shapes:
            for mix, corpora in list(MIXES.items())[-1 if options.tiny else 0 :]:
                given = {corpus: data[corpus] for corpus in corpora}
                task = Task(shape.told, shape.name, given, options.device, options.warm,
                            options.steps, options.samples, {})  # fmt: skip
                for row in rows_of(task, Path(folder), python):
                    lines.append(told(row, f"{shape.name}; {mix}", peak))
                    print(lines[-1], file=sys.stderr, flush=True)
                    if row.figures and "stall" in row.figures:
                        stall = f"{row.figures['stall']:.1%}"
                        waits.append(f"| {shape.name}; {mix} | {row.who} | {stall} |")
    lines += ["", "With the loader reading the shards, what of a step is spent waiting for it:\n"]
    lines += ["| shape, documents | trainer | loader stall |", "|---|---|---|", *waits, ""]
    lines += [loader_line(task)]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the page; the exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", action="append", default=[], metavar="CORPUS=GLOB")
    parser.add_argument("--pages", type=int, default=200, help="of the made-up web without --data")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--warm", type=int, default=10, help="steps that are not timed")
    parser.add_argument("--steps", type=int, default=50, help="steps that are")
    parser.add_argument("--samples", type=int, default=32, help="documents of m3w a step")
    parser.add_argument(
        "--tiny", action="store_true", help="a small shape instead of the two, one mix"
    )
    parser.add_argument("--no-peer", action="store_true", help="without open_flamingo")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args(given)
    options.told = given
    if options.device == "cuda" and not torch.cuda.is_available():
        print("gpu.py: torch finds no CUDA device here; --device cpu --tiny --steps 2 runs it in "
              "miniature", file=sys.stderr)  # fmt: skip
        return 1
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as model.train: no waiting by spinning
    with tempfile.TemporaryDirectory() as folder:
        data = dict(item.split("=", 1) for item in options.data)
        data = data or made_up_data(Path(folder), options.pages)
        python = "" if options.no_peer else peer_python()
        options.output.write_text(page(options, data, python))
    return 0


if __name__ == "__main__":
    sys.exit(main())
