"""The paper's optimiser: AdamW, a linear warm-up and then a constant rate (B.1.2)."""

import torch
from torch import nn

from model.recipe import OptimRecipe


def make_optimizer(trainable: dict[str, nn.Parameter], recipe: OptimRecipe) -> torch.optim.AdamW:
    """AdamW over some named parameters, in groups whose `factor` is their rate over the recipe's.

    The paper decays by 0.1 and the resampler not at all; gates, norms and the rows of `<EOC>` and
    `<image>` are no matrices of the cross-attention, and decay would pull the gates shut.
    """
    kinds = {
        _decayed: (recipe.weight_decay, 1.0),
        _resampler: (0.0, recipe.resampler_factor),
        _gate: (0.0, recipe.gate_factor),
        _other: (0.0, 1.0),
    }
    groups = [
        {
            "params": [p for name, p in trainable.items() if is_one(name, p)],
            "weight_decay": decay,
            "factor": factor,
        }
        for is_one, (decay, factor) in kinds.items()
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _decayed(name: str, parameter: nn.Parameter) -> bool:
    return name.startswith("cross_attention.") and parameter.ndim > 1


def _resampler(name: str, _: nn.Parameter) -> bool:
    return name.startswith("resampler.")


def _gate(name: str, _: nn.Parameter) -> bool:
    return name.startswith("cross_attention.") and name.endswith("_gate")


def _other(name: str, parameter: nn.Parameter) -> bool:
    return not any(is_one(name, parameter) for is_one in (_decayed, _resampler, _gate))


def learning_rate(step: int, recipe: OptimRecipe) -> float:
    """The rate of an update, the first being step 1."""
    return recipe.learning_rate * min(1.0, step / max(1, recipe.warmup_steps))
