"""To OpenFlamingo's names and back."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers

from model.export.command import main
from model.export.open_flamingo import CROSS_ATTENTION, RESAMPLER, check_shape, state_of
from model.flamingo import Flamingo
from model.initial import fill, load_initial
from model.language import FrozenLanguage, load_language
from model.open_flamingo import convert, read_open_flamingo
from model.recipe import TrainRecipe
from model.train import train
from model.vision import load_vision
from schemas.recipe import RecipeError


@pytest.fixture(scope="module")
def recipe(toy_recipe: TrainRecipe) -> TrainRecipe:
    xattn = replace(CROSS_ATTENTION, every=2, first=1)
    return replace(toy_recipe, resampler=RESAMPLER, cross_attention=xattn)


def made(recipe: TrainRecipe, language: FrozenLanguage | None = None) -> Flamingo:
    language = language or load_language(recipe.language.model)[0]
    model = Flamingo(load_vision(recipe.vision), language, recipe)
    with torch.no_grad():
        for n, parameter in enumerate(model.trainable().values()):
            parameter.copy_(
                torch.randn(parameter.shape, generator=torch.Generator().manual_seed(n))
            )
    return model


def test_there_and_back_is_the_same_model(recipe: TrainRecipe, tmp_path: Path) -> None:
    model = made(recipe)
    torch.save(state_of(model, recipe, 36, 1), tmp_path / "a.pt")
    other = made(recipe)
    fill(other.trainable(), {n: p * 0 for n, p in model.trainable().items()}, "zeros")
    load_initial(other, tmp_path / "a.pt", 36)
    assert all(torch.equal(p, model.trainable()[n]) for n, p in other.trainable().items())


def test_a_run_becomes_a_file_that_a_run_begins_from(
    recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    run, path = tmp_path / "run", tmp_path / "out.pt"
    short = replace(recipe, run=replace(recipe.run, steps=1, checkpoint_every=1))
    train(short, {"align": toy_data["align"]}, run)
    arguments = ["--run", str(run), "--output", str(path), "--format", "open-flamingo"]
    assert main(arguments) == 0
    model = made(recipe)
    load_initial(model, path, len(load_language(recipe.language.model)[1]))
    trained = made(recipe)
    load_initial(trained, run / "checkpoints" / "step-00000001", 0)
    assert all(torch.equal(p, trained.trainable()[n]) for n, p in model.trainable().items())
    rows = read_open_flamingo(path)["lang_encoder.model.embed_tokens.weight"]
    known = model.language.lm.get_input_embeddings().weight
    assert torch.equal(rows[:36], known)
    assert len(rows) == 36 + 3  # its <PAD>, since the tokenizer has none


def test_names_and_shapes_are_open_flamingos(recipe: TrainRecipe) -> None:
    theirs = state_of(made(recipe), recipe, 36, 0)
    block = "lang_encoder.model.layers.1.gated_cross_attn_layer."
    layers = {f"perceiver.layers.{n}." for n in range(6)}
    expected = {"perceiver.latents", "perceiver.norm.weight", "perceiver.norm.bias"}
    for prefix, parts in (
        *((layer, ("0.norm_media", "0.norm_latents", "1.0")) for layer in layers),
        (block, ("attn.norm", "ff.0")),
    ):
        expected |= {f"{prefix}{part}.{what}" for part in parts for what in ("weight", "bias")}
    for layer in layers:
        expected |= {
            f"{layer}{part}.weight" for part in ("0.to_q", "0.to_kv", "0.to_out", "1.1", "1.3")
        }
    parts = ("attn.to_q", "attn.to_kv", "attn.to_out", "ff.1", "ff.3")
    expected |= {f"{block}{part}.weight" for part in parts} | {
        f"{block}attn_gate",
        f"{block}ff_gate",
    }
    expected |= {"lang_encoder.model.embed_tokens.weight", "lang_encoder.lm_head.weight"}
    assert theirs.keys() == expected
    assert theirs[f"{block}attn.to_q.weight"].shape == (512, 32)
    assert theirs["perceiver.latents"].shape == (64, 32)


@pytest.mark.parametrize("family", ["GPTNeoX", "OPT", "GPT2"])
def test_every_family_has_its_own_layers(family: str, recipe: TrainRecipe) -> None:
    configs = {
        "GPTNeoX": transformers.GPTNeoXConfig(
            vocab_size=40, hidden_size=16, num_attention_heads=2, num_hidden_layers=2,
            intermediate_size=32, bos_token_id=0, eos_token_id=1, tie_word_embeddings=False,
        ),
        "OPT": transformers.OPTConfig(
            vocab_size=40, hidden_size=16, num_attention_heads=2, num_hidden_layers=2, ffn_dim=32,
            word_embed_proj_dim=16, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        ),
        "GPT2": transformers.GPT2Config(
            vocab_size=40, n_embd=16, n_head=2, n_layer=2, bos_token_id=0, eos_token_id=1
        ),
    }  # fmt: skip
    layers = {"GPTNeoX": "gpt_neox.layers", "OPT": "model.decoder.layers", "GPT2": "transformer.h"}
    torch.manual_seed(0)
    lm = transformers.AutoModelForCausalLM.from_config(configs[family])
    model = made(recipe, FrozenLanguage(lm))
    tied = family != "GPTNeoX"
    if tied:
        with pytest.raises(RecipeError, match="here it has two, and they differ"):
            check_shape(recipe, model)
        with torch.no_grad():
            model.language.head.row.copy_(lm.get_input_embeddings().rows[:1])
    check_shape(recipe, model)
    theirs = state_of(model, recipe, 38, 0)
    assert f"lang_encoder.{layers[family]}.1.gated_cross_attn_layer.attn_gate" in theirs
    ours = convert(theirs, 38, tied=tied)
    kept = {name: tensor.clone() for name, tensor in model.trainable().items()}
    fill(model.trainable(), ours, "theirs")
    assert all(torch.equal(p, kept[name]) for name, p in model.trainable().items())
    assert ours.keys() >= {"rows", "row"}


@pytest.mark.parametrize(
    ("section", "key", "value", "why"),
    [
        (
            "resampler",
            "time_embeddings",
            True,
            r"\[resampler\] time_embeddings = True, .* is False",
        ),
        ("resampler", "dim", 16, r"\[resampler\] dim = 16, OpenFlamingo's is 0"),
        ("cross_attention", "first", 0, r"\[cross_attention\] first = 0, OpenFlamingo's is 1"),
        ("cross_attention", "activation", "squared_relu", "activation = squared_relu, .* gelu"),
    ],
)
def test_another_shape_is_one_clear_error(
    section: str, key: str, value: object, why: str, recipe: TrainRecipe
) -> None:
    other = replace(recipe, **{section: replace(getattr(recipe, section), **{key: value})})
    with pytest.raises(RecipeError, match=f"--format open-flamingo: .*{why}"):
        check_shape(other, made(other))


def test_what_its_tables_cannot_hold_is_refused(recipe: TrainRecipe) -> None:
    model = made(recipe)
    with pytest.raises(RecipeError, match="the tokenizer has 50 tokens, the language model 36"):
        state_of(model, recipe, 50, 0)
    model.language.head.frozen.bias = torch.nn.Parameter(torch.zeros(36), requires_grad=False)
    with pytest.raises(RecipeError, match="the language model's head has a bias"):
        check_shape(recipe, model)
