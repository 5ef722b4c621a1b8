import math
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from model.language import (
    FrozenLanguage,
    document_mask,
    encoder_of,
    find_blocks,
    load_language,
    packing_error,
)
from schemas.recipe import RecipeError

COMMON = {"vocab_size": 61, "num_attention_heads": 2, "num_hidden_layers": 2, "hidden_size": 16}
SIZED = {**COMMON, "intermediate_size": 32, "max_position_embeddings": 64}
IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
FAMILIES = {
    "Llama": transformers.LlamaConfig(**SIZED, **IDS),
    "GPTNeoX": transformers.GPTNeoXConfig(**SIZED, **IDS),
    "GPT2": transformers.GPT2Config(
        vocab_size=61, n_embd=16, n_layer=2, n_head=2, n_positions=64, **IDS
    ),
    "OPT": transformers.OPTConfig(
        **COMMON, ffn_dim=32, max_position_embeddings=64, word_embed_proj_dim=8, **IDS
    ),
    "Qwen2": transformers.Qwen2Config(**SIZED, num_key_value_heads=2, **IDS),
    "Gemma2": transformers.Gemma2Config(**SIZED, num_key_value_heads=2, head_dim=8, **IDS),
}


def build(family: str) -> nn.Module:
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(FAMILIES[family]).eval()


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


def test_text_has_the_very_logits_of_the_plain_model(family: str) -> None:
    ids = torch.arange(20).reshape(2, 10) * 3
    with torch.no_grad():
        plain = build(family)(input_ids=ids).logits
        ours = FrozenLanguage(build(family))(ids)
    assert ours.shape[-1] == plain.shape[-1] + 1
    assert torch.equal(ours[..., :-1], plain)


def test_logits_at_chosen_positions_are_those_of_all(family: str) -> None:
    language = FrozenLanguage(build(family))
    ids = torch.arange(20).reshape(2, 10) * 3
    chosen = torch.tensor([0, 7, 19])
    with torch.no_grad():
        every, some = language(ids), language(ids, labelled_K=chosen)
    assert some.shape[:2] == (1, 3)
    assert torch.allclose(some[0], every.flatten(0, 1)[chosen], atol=1e-6)


def test_packed_documents_are_alone(family: str) -> None:
    assert packing_error(FrozenLanguage(build(family)), 24) < 1e-5


def test_the_blocks_are_found_without_a_name(family: str) -> None:
    blocks = find_blocks(build(family))
    assert len(blocks) == 2
    assert len({type(block) for block in blocks}) == 1
    assert sum(p.numel() for p in blocks.parameters()) > 1000


def test_only_the_side_rows_learn(family: str) -> None:
    language = FrozenLanguage(build(family)).train()
    assert not language.lm.training
    loss = language(torch.tensor([[5, language.eoc, language.eoc + 1, 7]])).square().sum()
    loss.backward()
    named = {name: p for name, p in language.named_parameters() if p.requires_grad}
    assert sorted(p.shape[0] for p in named.values()) == [1, 2]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in named.values())
    assert all(p.grad is None for p in language.parameters() if not p.requires_grad)


def test_new_words_are_read_from_the_side_rows() -> None:
    language = FrozenLanguage(build("Llama"))
    ids = torch.tensor([[5, language.eoc, language.eoc + 1]])
    with torch.no_grad():
        before = language(ids)
        language.lm.get_input_embeddings().rows[1] += 1.0
        after = language(ids)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.equal(before[:, 2], after[:, 2])


def test_integer_ids_stay_what_they_are_in_bf16() -> None:
    config = transformers.LlamaConfig(**{**SIZED, "vocab_size": 40010}, **IDS)
    language = FrozenLanguage(transformers.AutoModelForCausalLM.from_config(config))
    language.lm.to(torch.bfloat16)
    embedding = language.lm.get_input_embeddings()
    ids = torch.tensor([[40001, 39936]])  # the first becomes the second when cast to bf16
    assert not torch.equal(embedding(ids)[0, 0], embedding(ids)[0, 1])
    assert torch.equal(embedding(ids)[0, 0], embedding.frozen.weight[40001])


class Peeking(transformers.LlamaForCausalLM):
    """A model that looks past the mask it is given."""

    def forward(self, **given):
        return super().forward(**{**given, "attention_mask": None})


class Refusing(transformers.LlamaForCausalLM):
    """A model that takes no mask of four dimensions."""

    def forward(self, input_ids, attention_mask=None, **given):
        if attention_mask is not None:
            raise ValueError("too many values to unpack")
        return super().forward(input_ids=input_ids, **given)


def test_a_model_that_looks_past_the_mask_is_found_out() -> None:
    assert packing_error(FrozenLanguage(Peeking(FAMILIES["Llama"])), 24) > 1e-3
    assert packing_error(FrozenLanguage(Refusing(FAMILIES["Llama"])), 24) == math.inf


def test_the_document_mask() -> None:
    mask = document_mask(torch.tensor([[0, 0, 1, -1]]), torch.float32)
    seen = (mask == 0)[0, 0].tolist()
    assert seen == [
        [True, False, False, False],
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]


def test_a_model_without_a_list_of_blocks_is_refused() -> None:
    lm = build("Llama")
    lm.config.num_hidden_layers = 7
    with pytest.raises(RecipeError, match="LlamaForCausalLM: no list of its 7 decoder blocks"):
        find_blocks(lm)


def test_a_folder_gives_model_tokenizer_and_vocabulary(lm_folder: Path) -> None:
    language, tokenizer, words = load_language(str(lm_folder))
    assert words.eoc == language.lm.config.vocab_size
    assert words.image == words.eoc + 1
    assert (words.bos, words.eos) == (0, 1)
    ids = encoder_of(tokenizer)("a red circle")
    assert tokenizer.convert_ids_to_tokens(ids) == ["a", "red", "circle"]


def test_a_model_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"\[language\] model = .*nowhere: not to be had"):
        load_language(str(tmp_path / "nowhere"))


def test_the_loss_in_pieces_is_that_of_all_logits(family: str) -> None:
    """Also where a family caps its logits, which is seen and not looked up."""
    language = FrozenLanguage(build(family))
    assert language.leaves_logits() == (family != "Gemma2")
    ids = torch.arange(20).reshape(2, 10) * 3
    chosen, targets = torch.tensor([0, 7, 19]), torch.tensor([4, language.eoc, 60])
    found = []
    for form in ("pieces", "whole"):
        language.zero_grad()
        if form == "pieces":
            loss = language.summed_nll(ids, None, None, chosen, targets)
        else:
            logits = language(ids, labelled_K=chosen)
            loss = nn.functional.cross_entropy(logits[0], targets, reduction="sum")
        loss.backward()
        found.append([loss.detach(), language.head.row.grad.clone()])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-6)
    assert language.head.held is None
