"""Runs in a venv with open_flamingo: steps of its trainer on given documents, their figures.

    python peer_train.py IN.pt OUT.json fp32|amp_bf16

Called by gpu.py. The order of things, the mask on the embedding's gradient, clipping and the
optimiser are those of its train_utils.py; documents come from memory, and their labels with them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from gpu_timing import largest_batch, timed
from peer_open_flamingo import build

WEIGHTS = {"m3w": 1.0, "align": 0.2}
PARTS = ("vision_x", "lang_x", "attention_mask", "labels")


class Trainer:
    """Their model, and steps of it."""

    def __init__(self, shape: dict[str, Any], device: torch.device, precision: str) -> None:
        torch.manual_seed(0)
        with device:
            self.model = build(shape).to(device)
        self.model.train()
        self.device, self.autocasts = device, precision == "amp_bf16"
        self.kept = [shape["image"], shape["eoc"]]
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=1e-4, weight_decay=0.1)

    def step(self, draw: dict[str, dict[str, torch.Tensor]], share: float = 1.0) -> None:
        """One update, from a share of each corpus's documents."""
        for name in sorted(draw):  # pairs first, as there
            rows = {
                key: x[: max(1, int(share * len(x)))].to(self.device, non_blocking=True)
                for key, x in draw[name].items()
            }
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocasts):
                loss = self.model(**rows).loss
            (WEIGHTS[name] * loss).backward()
        embedding = self.model.lang_encoder.get_input_embeddings().weight
        mask = torch.zeros_like(embedding.grad)
        mask[self.kept] = 1
        embedding.grad = embedding.grad * mask
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def share_that_fits(self, draws: list[dict[str, Any]], samples: int) -> float:
        """1, halved until a step fits."""
        share = 1.0
        while True:
            try:
                for draw in draws:
                    self.step(draw, share)
            except torch.OutOfMemoryError:
                self.optimizer.zero_grad(set_to_none=True)
                torch.cuda.empty_cache()
                share /= 2
                if share * samples < 1:
                    raise
            else:
                return share


def repeated(draw: dict[str, Any], times: int) -> dict[str, Any]:
    """The same documents several times."""
    return {
        name: {key: x.repeat(times, *[1] * (x.ndim - 1)) for key, x in part.items()}
        for name, part in draw.items()
    }


def main(source: str, target: str, precision: str) -> None:
    """Writes the figures."""
    given = torch.load(source)
    device = torch.device(given["device"])
    draws, samples = given["draws"], given["samples"]
    trainer = Trainer(given["shape"], device, precision)
    share = trainer.share_that_fits(draws, samples)

    def step(number: int) -> None:
        trainer.step(draws[number % len(draws)], share)

    seconds, peak = timed(step, given["warm"], given["steps"], device)
    batch = max(1, int(share * samples))
    largest = batch if device.type == "cuda" else 0
    if largest == samples:
        largest = largest_batch(
            lambda more: trainer.step(repeated(draws[0], more // samples)), samples, given["most"]
        )
    figures = {
        "batch": batch,
        "steps_per_s": given["steps"] / seconds,
        "peak_bytes": peak,
        "largest_batch": largest,
    }
    Path(target).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
