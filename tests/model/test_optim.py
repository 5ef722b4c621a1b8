import pytest
import torch
from torch import nn

from model.optim import learning_rate, make_optimizer
from model.recipe import OptimRecipe


def test_a_linear_warm_up_then_a_constant() -> None:
    recipe = OptimRecipe(learning_rate=1e-4, warmup_steps=5000)
    assert learning_rate(1, recipe) == pytest.approx(2e-8)
    assert learning_rate(2500, recipe) == pytest.approx(5e-5)
    assert learning_rate(5000, recipe) == learning_rate(400_000, recipe) == 1e-4


def test_no_warm_up() -> None:
    assert learning_rate(1, OptimRecipe(learning_rate=0.1, warmup_steps=0)) == 0.1


def test_only_the_matrices_of_the_cross_attention_decay() -> None:
    names = {
        "cross_attention.0.to_q.weight": (4, 4),
        "cross_attention.0.norm.weight": (4,),
        "cross_attention.0.attention_gate": (1,),
        "resampler.attention.0.to_q.weight": (4, 4),
        "language.lm.embed.rows": (2, 4),
    }
    trainable = {name: nn.Parameter(torch.ones(shape)) for name, shape in names.items()}
    optimizer = make_optimizer(trainable, OptimRecipe(learning_rate=0.1))
    for parameter in trainable.values():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    shrunk = [name for name, parameter in trainable.items() if (parameter < 1).any()]
    assert shrunk == ["cross_attention.0.to_q.weight"]


def test_gates_and_resampler_have_rates_of_their_own() -> None:
    names = (
        "cross_attention.0.to_q.weight",
        "cross_attention.0.attention_gate",
        "cross_attention.0.dense_gate",
        "resampler.latents",
        "language.lm.embed.rows",
    )
    trainable = {name: nn.Parameter(torch.ones(1)) for name in names}
    optimizer = make_optimizer(trainable, OptimRecipe(gate_factor=50, resampler_factor=0.25))
    factors = {
        id(parameter): group["factor"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert [factors[id(trainable[name])] for name in names] == [1.0, 50, 50, 0.25, 1.0]
