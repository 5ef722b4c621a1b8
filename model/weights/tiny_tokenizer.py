"""The small vocabulary that both tiny models share: byte-level BPE of the made-up web's English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VOCABULARY = 2000
PAD, BOS, EOS = "<pad>", "<s>", "</s>"
PAD_ID, BOS_ID, EOS_ID = 0, 1, 2


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Any:  # noqa: ANN401
    """A `tokenizers.Tokenizer` that adds no special tokens of its own; any text can be encoded."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Any, folder: Path, length: int, *, ends: bool) -> None:  # noqa: ANN401
    """Writes the tokenizer as transformers reads it.

    Args:
        tokenizer: from `train_tokenizer`.
        folder: where to.
        length: tokens that the model takes.
        ends: whether each text gets `<s>` before and `</s>` behind it, as a CLIP needs.
    """
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer.from_str(tokenizer.to_str())
    if ends:
        own.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A {EOS}", special_tokens=[(BOS, BOS_ID), (EOS, EOS_ID)]
        )
    PreTrainedTokenizerFast(
        tokenizer_object=own,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=length,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)
