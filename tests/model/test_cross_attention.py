import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from model.cross_attention import GatedCrossAttention
from model.gaze import gaze_of
from model.recipe import CrossAttentionRecipe


@pytest.fixture(scope="module")
def block() -> GatedCrossAttention:
    torch.manual_seed(0)
    return GatedCrossAttention(16, 12, 2, CrossAttentionRecipe(head_dim=8))


def dense_form(block: GatedCrossAttention, y: Tensor, latents: Tensor, images: Tensor) -> Tensor:
    """The oracle: every token against the latents of all images, under a mask."""
    q = block.to_q(block.norm(y)).reshape(1, -1, 2, 8).transpose(1, 2)
    k, v = (
        x.reshape(1, -1, 2, 8).transpose(1, 2)
        for x in block.to_kv(latents.flatten(0, 1)).chunk(2, dim=-1)
    )
    owner = torch.arange(len(latents)).repeat_interleave(latents.shape[1])
    allowed = images.reshape(-1, 1) == owner
    scores = (q @ k.transpose(2, 3) / 8**0.5).masked_fill(~allowed, float("-inf"))
    seen = scores.softmax(-1).nan_to_num(0.0) @ v
    return block.to_out(seen.transpose(1, 2).reshape(*y.shape[:2], -1))


looks = hnp.arrays(np.int64, (3, 7), elements=st.integers(-1, 3))


@given(looks)
def test_gathered_attention_is_the_masked_one(
    block: GatedCrossAttention, images_BL: np.ndarray
) -> None:
    torch.manual_seed(1)
    y, latents = torch.randn(3, 7, 16), torch.randn(4, 5, 12)
    gathered = block.attend(y, latents, gaze_of(images_BL, 4))
    masked = dense_form(block, y, latents, torch.from_numpy(images_BL))
    assert torch.allclose(gathered, masked, atol=1e-6)


@given(looks)
def test_tokens_without_an_image_see_exactly_nothing(
    block: GatedCrossAttention, images_BL: np.ndarray
) -> None:
    torch.manual_seed(1)
    seen = block.attend(torch.randn(3, 7, 16), torch.randn(4, 5, 12), gaze_of(images_BL, 4))
    nothing = torch.from_numpy(images_BL) < 0
    assert (seen[nothing] == 0).all()
    assert (seen[~nothing].abs().sum(-1) > 0).all()


@given(looks)
def test_gradients_are_those_of_the_masked_form(
    block: GatedCrossAttention, images_BL: np.ndarray
) -> None:
    torch.manual_seed(1)
    found = []
    for form in ("gathered", "masked"):
        torch.manual_seed(2)
        y = torch.randn(3, 7, 16, requires_grad=True)
        latents = torch.randn(4, 5, 12, requires_grad=True)
        if form == "gathered":
            seen = block.attend(y, latents, gaze_of(images_BL, 4))
        else:
            seen = dense_form(block, y, latents, torch.from_numpy(images_BL))
        total = (seen * torch.linspace(-1, 1, seen.numel()).view_as(seen)).sum()
        if not total.requires_grad:
            return  # no token looks anywhere
        grads = torch.autograd.grad(total, (y, latents), allow_unused=True)
        found.append([torch.zeros(1) if g is None else g for g in grads])
    for gathered, masked in zip(*found, strict=True):
        assert torch.allclose(gathered, masked.nan_to_num(0.0), atol=1e-6)


def test_closed_gates_change_no_bit(block: GatedCrossAttention) -> None:
    y, latents = torch.randn(2, 5, 16), torch.randn(1, 5, 12)
    gaze = gaze_of(np.zeros((2, 5), dtype=np.int64), 1)
    assert torch.equal(block(y, latents, gaze), y)


def test_open_gates_change_all_that_looks(block: GatedCrossAttention) -> None:
    y, latents = torch.randn(1, 4, 16), torch.randn(1, 5, 12)
    gaze = gaze_of(np.array([[-1, -1, 0, 0]]), 1)
    opened = GatedCrossAttention(16, 12, 2, CrossAttentionRecipe(head_dim=8))
    opened.load_state_dict(block.state_dict())
    with torch.no_grad():
        opened.attention_gate.fill_(0.5)
    changed = (opened(y, latents, gaze) != y).any(-1)
    assert changed.tolist() == [[False, False, True, True]]


def test_no_image_at_all(block: GatedCrossAttention) -> None:
    y = torch.randn(2, 3, 16)
    gaze = gaze_of(np.full((2, 3), -1), 0)
    assert torch.equal(block(y, torch.zeros(0, 5, 12), gaze), y)


def test_the_papers_widths() -> None:
    with torch.device("meta"):
        paper = GatedCrossAttention(2048, 1536, 16, CrossAttentionRecipe())
    assert paper.to_q.weight.shape == (16 * 128, 2048)
    assert paper.to_kv.weight.shape == (2 * 16 * 128, 1536)
    assert paper.dense[1].weight.shape == (4 * 2048, 2048)
    count = 24 * sum(p.numel() for p in paper.parameters())
    assert abs(count / 1e9 - 1.2) < 0.1  # table 5: 24 blocks, 1.2B
