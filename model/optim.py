"""The paper's optimiser: AdamW, a linear warm-up and then a constant rate (B.1.2)."""

import torch
from torch import nn

from model.recipe import OptimRecipe


def make_optimizer(trainable: dict[str, nn.Parameter], recipe: OptimRecipe) -> torch.optim.AdamW:
    """AdamW over some named parameters.

    The paper decays by 0.1 and the resampler not at all; gates, norms and the rows of `<EOC>` and
    `<image>` are no matrices of the cross-attention, and decay would pull the gates shut.
    """
    decayed = [p for name, p in trainable.items() if _is_decayed(name, p)]
    others = [p for name, p in trainable.items() if not _is_decayed(name, p)]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _is_decayed(name: str, parameter: nn.Parameter) -> bool:
    return name.startswith("cross_attention.") and parameter.ndim > 1


def learning_rate(step: int, recipe: OptimRecipe) -> float:
    """The rate of an update, the first being step 1."""
    return recipe.learning_rate * min(1.0, step / max(1, recipe.warmup_steps))
