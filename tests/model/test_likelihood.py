"""The loss in pieces beside that of all logits at once."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as fn
from torch.utils.flop_counter import FlopCounterMode

from model import likelihood
from model.likelihood import summed_nll

WORDS, WIDTH = 23, 8


def given_of(
    labels: int, dtype: torch.dtype = torch.float32, bias: bool = False
) -> tuple[torch.Tensor, nn.Linear, nn.Parameter, torch.Tensor]:
    torch.manual_seed(labels)
    head = nn.Linear(WIDTH, WORDS, bias=bias, dtype=dtype).requires_grad_(False)
    row = nn.Parameter(torch.randn(1, WIDTH))
    hidden = torch.randn(labels, WIDTH, dtype=dtype, requires_grad=True)
    return hidden, head, row, torch.randint(0, WORDS + 1, (labels,))


def plain(hidden: torch.Tensor, head: nn.Linear, row: nn.Parameter, targets: torch.Tensor):
    logits = torch.cat([head(hidden).float(), fn.linear(hidden.to(row.dtype), row)], dim=-1)
    return fn.cross_entropy(logits, targets, reduction="sum")


@given(st.integers(0, 40), st.integers(1, 9), st.booleans())
def test_loss_and_gradients_are_the_plain_ones(labels: int, at_once: int, bias: bool) -> None:
    """However many positions stand at once, none at all among them."""
    parts = given_of(labels, bias=bias)
    hidden, _, row, _ = parts
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(likelihood, "AT_ONCE", at_once * WORDS)
        found = summed_nll(*parts)
        gradients = torch.autograd.grad(3 * found, (hidden, row))
    expected = plain(*parts)
    assert torch.allclose(found, expected, rtol=1e-5)
    for one, other in zip(gradients, torch.autograd.grad(3 * expected, (hidden, row)), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_in_bf16_it_is_as_near_as_the_type_allows() -> None:
    parts = given_of(30, torch.bfloat16)
    hidden, head, row, targets = parts
    found = summed_nll(*parts)
    found.backward()
    exact = hidden.detach().double().requires_grad_()
    wide = nn.Linear(WIDTH, WORDS, bias=False, dtype=torch.float64).requires_grad_(False)
    wide.weight.copy_(head.weight)
    expected = plain(exact, wide, nn.Parameter(row.detach().double()), targets)
    expected.backward()
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=1e-2)
    assert hidden.grad.dtype == torch.bfloat16
    assert (hidden.grad.double() - exact.grad).norm() < 0.02 * exact.grad.norm()


def test_it_multiplies_no_more_than_the_plain_form() -> None:
    counts = []
    for form in (summed_nll, plain):
        with FlopCounterMode(display=False) as counter:
            form(*given_of(12)).backward()
        counts.append(counter.get_total_flops())
    assert counts[0] <= counts[1]


def test_without_gradients_none_is_made() -> None:
    hidden, head, row, targets = given_of(7)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        loss = summed_nll(hidden, head, row, targets)
    assert not loss.requires_grad
    assert counter.get_total_flops() == 2 * 7 * WIDTH * (WORDS + 1)


def test_no_more_logits_than_asked_for_stand_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = likelihood._logits

    def seen(hidden: torch.Tensor, *more: object) -> torch.Tensor:
        logits = real(hidden, *more)
        sizes.append(logits.numel())
        return logits

    monkeypatch.setattr(likelihood, "_logits", seen)
    monkeypatch.setattr(likelihood, "AT_ONCE", 4 * WORDS)
    summed_nll(*given_of(10))
    assert sizes == [4 * (WORDS + 1)] * 2 + [2 * (WORDS + 1)]
