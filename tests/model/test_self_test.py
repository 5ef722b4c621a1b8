"""Language models that keep to what training rests on, and made-up ones that do not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from model.assemble import assemble
from model.flamingo import Flamingo
from model.language import FrozenLanguage, load_language
from model.recipe import TrainRecipe, VisionRecipe
from model.self_test import check_language
from model.train import main
from model.vision import FrozenVision, load_vision
from schemas.recipe import RecipeError

COMMON = {"vocab_size": 61, "num_attention_heads": 2, "num_hidden_layers": 2, "hidden_size": 16}
IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
SIZED = {**COMMON, **IDS, "intermediate_size": 32}
LLAMA = transformers.LlamaConfig(**SIZED)
FAMILIES = {
    "Llama": LLAMA,
    "GPTNeoX": transformers.GPTNeoXConfig(**SIZED),
    "GPT2": transformers.GPT2Config(vocab_size=61, n_embd=16, n_layer=2, n_head=2, **IDS),
    "OPT": transformers.OPTConfig(**COMMON, ffn_dim=32, word_embed_proj_dim=8, **IDS),
    "Qwen3": transformers.Qwen3Config(**SIZED, num_key_value_heads=2, head_dim=8),
    "Gemma2": transformers.Gemma2Config(**SIZED, num_key_value_heads=2, head_dim=8),
    "Mpt": transformers.MptConfig(vocab_size=61, d_model=16, n_heads=2, n_layers=2),
    "Phi": transformers.PhiConfig(**SIZED),
    "Mixtral": transformers.MixtralConfig(**SIZED, num_key_value_heads=2, num_local_experts=4),
}


class LooksAtItsEmbedding(transformers.LlamaForCausalLM):
    """A model whose logits are others once its embedding has been wrapped."""

    def forward(self, **given):
        out = super().forward(**given)
        out.logits = out.logits * (1 if isinstance(self.model.embed_tokens, nn.Embedding) else 1.01)
        return out


class SeesWhatFollows(transformers.LlamaForCausalLM):
    """A model without a causal mask."""

    def forward(self, input_ids, attention_mask=None, **given):
        length = input_ids.shape[1]
        open_to_all = torch.zeros(1, 1, length, length)
        return super().forward(input_ids=input_ids, attention_mask=open_to_all, **given)


class HasOtherBlocks(transformers.LlamaForCausalLM):
    """A model with a heavier list of modules beside its blocks, which never run."""

    def __init__(self, config):
        super().__init__(config)
        self.spare = nn.ModuleList(nn.Linear(200, 200) for _ in range(2))


class Forgets(transformers.LlamaForCausalLM):
    """A model that gives out a cache and does not read it."""

    def forward(self, past_key_values=None, **given):
        return super().forward(**given)


class HasNoCache(transformers.LlamaForCausalLM):
    """A model that has never heard of one."""

    def forward(self, input_ids, attention_mask=None, position_ids=None, use_cache=False):
        asked = {"attention_mask": attention_mask, "position_ids": position_ids}
        return super().forward(input_ids=input_ids, use_cache=False, **asked)


class LooksPastTheMask(transformers.LlamaForCausalLM):
    """A model that takes a mask and does not keep to it."""

    def forward(self, attention_mask=None, **given):
        return super().forward(**given)


Make = Callable[[nn.Module], Flamingo]


@pytest.fixture(scope="module")
def vision(clip_folder: Path) -> FrozenVision:
    return load_vision(VisionRecipe(f"local-dir:{clip_folder}"))


@pytest.fixture(scope="module")
def make(vision: FrozenVision, toy_recipe: TrainRecipe) -> Make:
    return lambda lm: Flamingo(vision, FrozenLanguage(lm), toy_recipe).train()


def family(name: str) -> nn.Module:
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(FAMILIES[name])


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_families_pass(name: str, dtype: torch.dtype, make: Make, toy_recipe: TrainRecipe) -> None:
    model = make(family(name))
    model.freeze_in(dtype)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    check_language(model, toy_recipe)  # raises where the family fails
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())


def test_nothing_of_the_run_is_touched(make: Make, toy_recipe: TrainRecipe) -> None:
    model = make(family("Llama"))
    with torch.no_grad():
        for n, block in enumerate(model.cross_attention):
            block.attention_gate.fill_(0.1 + n)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modules = [module for _, module in model.named_modules()]
    state = torch.get_rng_state()
    check_language(model, toy_recipe)
    assert torch.equal(torch.get_rng_state(), state)
    after = model.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in weights.items())
    assert [module for _, module in model.named_modules()] == modules
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (
            LooksAtItsEmbedding,
            r"gates at 0: logits are not those of the language model alone \(largest difference ",
        ),
        (SeesWhatFollows, "images: image 1 changes what stands before it"),
        (HasOtherBlocks, "images: image 1 changes nothing"),
        (Forgets, r"a cache: logits of tokens read one by one are others \(relative error "),
        (HasNoCache, "a cache: TypeError: .*past_key_values"),
    ],
)
def test_a_family_that_fails_is_refused_by_its_name(
    kind: type, why: str, make: Make, toy_recipe: TrainRecipe
) -> None:
    torch.manual_seed(0)
    model = make(kind(LLAMA))
    gates = [block.attention_gate.item() for block in model.cross_attention]
    with pytest.raises(RecipeError, match=f"{kind.__name__} fails the self-test of {why}"):
        check_language(model, toy_recipe)
    assert [block.attention_gate.item() for block in model.cross_attention] == gates == [0.0] * 2


def test_packing_is_tried_where_windows_are_packed(make: Make, toy_recipe: TrainRecipe) -> None:
    torch.manual_seed(0)
    model = make(LooksPastTheMask(LLAMA))
    with pytest.raises(RecipeError, match=r"LooksPastTheMask see one another.*packed=false"):
        check_language(model, toy_recipe)
    alone = replace(toy_recipe, window=replace(toy_recipe.window, packed=False))
    check_language(model, alone)


@pytest.mark.parametrize("tokens", [8, 9, 24])
def test_short_windows_are_tried_in_short_rows(
    tokens: int, make: Make, toy_recipe: TrainRecipe
) -> None:
    small = transformers.LlamaConfig(**SIZED, max_position_embeddings=tokens)
    torch.manual_seed(0)
    window = replace(toy_recipe.window, tokens=tokens)
    model = make(transformers.LlamaForCausalLM(small))
    lengths: list[int] = []
    model.language.lm.get_input_embeddings().register_forward_pre_hook(
        lambda _, ids: lengths.append(ids[0].shape[-1])
    )
    check_language(model, replace(toy_recipe, window=window))
    assert lengths
    assert max(lengths) <= tokens


def test_a_run_is_refused_before_anything_is_written(
    toy_recipe: TrainRecipe,
    toy_data: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = transformers.LlamaForCausalLM.forward
    monkeypatch.setattr(
        transformers.LlamaForCausalLM,
        "forward",
        lambda self, past_key_values=None, **given: whole(self, **given),
    )
    recipe, output = tmp_path / "recipe.toml", tmp_path / "run"
    vision, language = (json.dumps(part.model) for part in (toy_recipe.vision, toy_recipe.language))
    recipe.write_text(
        f"vision = {{ model = {vision} }}\nlanguage = {{ model = {language} }}\n"
        "resampler = { layers = 1, dim = 16, latents = 4 }\nwindow = { tokens = 48 }\n"
    )
    arguments = ["--recipe", str(recipe), "--data", f"align={toy_data['align']}", "--steps", "1"]
    assert main([*arguments, "--output", str(output), "--set", "corpora.align.batch=2"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "LlamaForCausalLM fails the self-test of a cache" in told
    assert not output.exists()


def test_it_can_be_left_out(
    toy_recipe: TrainRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RecipeError("tried")

    monkeypatch.setattr("model.assemble.check_language", refuse)
    with pytest.raises(RecipeError, match="tried"):
        assemble(toy_recipe, tmp_path, "cpu")
    assemble(replace(toy_recipe, run=replace(toy_recipe.run, self_test=False)), tmp_path, "cpu")


def test_what_is_not_built_like_a_decoder_is_refused(tmp_path: Path, lm_folder: Path) -> None:
    lm = transformers.BertLMHeadModel(
        transformers.BertConfig(**COMMON, intermediate_size=32, is_decoder=True, pad_token_id=1)
    )
    lm.save_pretrained(tmp_path)
    with pytest.raises(RecipeError, match="BertLMHeadModel is not built like a decoder"):
        load_language(str(tmp_path), str(lm_folder))
