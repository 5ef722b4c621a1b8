"""A tiny language model of the made-up web's English, as a Hugging Face Llama folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.weights.tiny_tokenizer import BOS_ID, EOS_ID, PAD_ID, VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

CONTEXT = 512
NO_LABEL = -100
"""torch's own mark of a position that is not trained."""


@dataclass(frozen=True, slots=True)
class LanguageLessons:
    """How the language model is shaped and trained; chosen by trial for two CPU cores.

    Attributes:
        spread: standard deviation of the weights as they are drawn.
    """

    steps: int = 400
    batch: int = 16
    learning_rate: float = 4e-3
    warmup_steps: int = 40
    weight_decay: float = 0.1
    dim: int = 128
    layers: int = 4
    heads: int = 4
    ffw: int = 320
    spread: float = 0.02


def token_stream(encode: Callable[[list[str]], list[list[int]]], texts: list[str]) -> torch.Tensor:
    """All texts as one row of ids, each between `<s>` and `</s>`."""
    import torch

    ids = [[BOS_ID, *row, EOS_ID] for row in encode(texts)]
    return torch.tensor([token for row in ids for token in row])


def token_rows(encode: Callable[[list[str]], list[list[int]]], texts: list[str]) -> torch.Tensor:
    """Each text as a row of ids between `<s>` and `</s>`, padded to the longest [N, L]."""
    import torch

    rows = [torch.tensor([BOS_ID, *row, EOS_ID]) for row in encode(texts)]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD_ID)


def train_language(
    stream: torch.Tensor, lessons: LanguageLessons, seed: int, report: Callable[[str], None]
) -> Any:  # noqa: ANN401 - transformers has no types
    """A Llama after next-token prediction on pieces of CONTEXT tokens from anywhere in the stream.

    Args:
        stream: ids, from `token_stream`.
        lessons: how.
        seed: of weights and pieces; equal seeds and threads give equal weights.
        report: takes a line of progress.
    """
    import torch

    offsets_L = torch.arange(CONTEXT)

    def pieces(draw: torch.Generator) -> torch.Tensor:
        starts = torch.randint(len(stream) - CONTEXT, (lessons.batch, 1), generator=draw)
        return stream[starts + offsets_L]

    return _train(pieces, lessons, seed, report)


def train_language_on_rows(
    rows_NL: torch.Tensor, lessons: LanguageLessons, seed: int, report: Callable[[str], None]
) -> Any:  # noqa: ANN401 - transformers has no types
    """A Llama after next-token prediction on whole texts: what a text has said, only it has said.

    Args:
        rows_NL: ids, from `token_rows`.
        lessons: how.
        seed: of weights and rows; equal seeds and threads give equal weights.
        report: takes a line of progress.
    """
    import torch

    def rows(draw: torch.Generator) -> torch.Tensor:
        return rows_NL[torch.randint(len(rows_NL), (lessons.batch,), generator=draw)]

    return _train(rows, lessons, seed, report)


def _train(
    drawn: Callable[[torch.Generator], torch.Tensor],
    lessons: LanguageLessons,
    seed: int,
    report: Callable[[str], None],
) -> Any:  # noqa: ANN401 - transformers has no types
    import torch

    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    model = _new_model(lessons)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=lessons.learning_rate,
        betas=(0.9, 0.95),
        weight_decay=lessons.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1.0, (step + 1) / lessons.warmup_steps)
            * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / lessons.steps)))
        ),
    )
    for step in range(lessons.steps):
        tokens_BL = drawn(draw)
        labels_BL = tokens_BL.masked_fill(tokens_BL == PAD_ID, NO_LABEL)
        loss = model(input_ids=tokens_BL, labels=labels_BL, use_cache=False).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 25 == 0:
            report(f"language: step {step + 1} of {lessons.steps}, loss {float(loss.detach()):.3f}")
    return model.eval()


def _new_model(lessons: LanguageLessons) -> Any:  # noqa: ANN401 - transformers has no types
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=lessons.dim,
            intermediate_size=lessons.ffw,
            num_hidden_layers=lessons.layers,
            num_attention_heads=lessons.heads,
            max_position_embeddings=CONTEXT,
            initializer_range=lessons.spread,
            tie_word_embeddings=True,
            bos_token_id=BOS_ID,
            eos_token_id=EOS_ID,
            pad_token_id=PAD_ID,
        )
    ).train()


def save_language(model: Any, folder: Path) -> None:  # noqa: ANN401 - transformers has no types
    """Writes the folder that transformers loads, weights in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # safetensors writes for its owner alone
