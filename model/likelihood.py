"""The loss of many positions without the logits of all of them at once.

At 680 labels and 50,000 tokens of a vocabulary logits are 130 MB in float32, and their gradient as
much again. Here they stand for some positions at a time, in which the gradient of the hidden states
is made as well, so nothing is multiplied twice on the way back (Liger kernel, arXiv 2410.10989,
3.2). torch's own `linear_cross_entropy` takes one matrix, whose gradient it makes whole: here all
rows but that of `<EOC>` are frozen and have none.
Shapes: K positions, d width, V words of the frozen head.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

AT_ONCE = 2**25
"""Logits that stand at once: 128 MiB in float32."""


def summed_nll(hidden_Kd: Tensor, head: nn.Linear, row_1d: Tensor, targets_K: Tensor) -> Tensor:
    """The sum of the negative log-likelihoods of targets, float32.

    Args:
        hidden_Kd: what goes into the head.
        head: the frozen output layer.
        row_1d: of the one word past it, trained.
        targets_K: ids; V is the word past the head.
    """
    trained = torch.is_grad_enabled() and (hidden_Kd.requires_grad or row_1d.requires_grad)
    parts = (hidden_Kd, row_1d, head.weight, head.bias, targets_K, trained)
    total: Tensor = _SummedNLL.apply(*parts)
    return total


class _SummedNLL(torch.autograd.Function):
    """Makes both gradients on its way there."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's own
        hidden_Kd: Tensor,
        row_1d: Tensor,
        weight_Vd: Tensor,
        bias_V: Tensor | None,
        targets_K: Tensor,
        trained: bool,
    ) -> Tensor:
        total = torch.zeros((), dtype=torch.float32, device=hidden_Kd.device)
        grad_Kd = torch.empty_like(hidden_Kd) if trained else None
        row_grad_1d = torch.zeros_like(row_1d)
        size = max(1, AT_ONCE // len(weight_Vd))
        for start in range(0, len(hidden_Kd), size):
            here = slice(start, start + size)
            logits = _logits(hidden_Kd[here], row_1d, weight_Vd, bias_V)
            norms_K1 = logits.logsumexp(dim=-1, keepdim=True)
            wanted_K1 = targets_K[here, None]
            total += (norms_K1 - logits.gather(1, wanted_K1)).sum()
            if grad_Kd is None:
                continue
            slopes = logits.sub_(norms_K1).exp_()  # the logits' own memory: they are done with
            slopes.scatter_add_(1, wanted_K1, slopes.new_full(wanted_K1.shape, -1.0))
            last_K1 = slopes[:, -1:].to(row_1d.dtype)
            known = slopes[:, :-1].to(weight_Vd.dtype) @ weight_Vd
            grad_Kd[here] = known.to(hidden_Kd.dtype) + (last_K1 * row_1d).to(hidden_Kd.dtype)
            row_grad_1d += last_K1.T @ hidden_Kd[here].to(row_1d.dtype)
        ctx.save_for_backward(grad_Kd, row_grad_1d)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        grad_Kd, row_grad_1d = ctx.saved_tensors
        scale = grad.to(grad_Kd.dtype)
        return grad_Kd * scale, row_grad_1d * grad.to(row_grad_1d.dtype), None, None, None, None


def _logits(hidden_Kd: Tensor, row_1d: Tensor, weight_Vd: Tensor, bias_V: Tensor | None) -> Tensor:
    """Logits [K, V + 1] in float32, of products in the types of the weights."""
    known = fn.linear(hidden_Kd.to(weight_Vd.dtype), weight_Vd, bias_V)
    last = fn.linear(hidden_Kd.to(row_1d.dtype), row_1d)
    return torch.cat([known.float(), last.float()], dim=-1)
