"""Both forms of attention beside the plain one: all latents, under a mask."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor
from torch.nn import functional as fn

from model.gaze import FlexGaze, GatheredGaze, Gaze, gaze_of

IMAGES, LATENTS, HEADS, WIDTH = 4, 5, 2, 16
looks = hnp.arrays(np.int64, (3, 9), elements=st.integers(-1, IMAGES - 1))


def masked(q: Tensor, k: Tensor, v: Tensor, owner_N: Tensor) -> Tensor:
    """The oracle."""
    q, k, v = (x.reshape(1, -1, HEADS, WIDTH // HEADS).transpose(1, 2) for x in (q, k, v))
    own = owner_N[:, None] == torch.arange(IMAGES).repeat_interleave(LATENTS)
    out = fn.scaled_dot_product_attention(q, k, v, attn_mask=own)
    return out.transpose(1, 2).flatten(2)[0]


def attended(gaze: Gaze, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    with warnings.catch_warnings():  # flex says that it is not compiled
        warnings.simplefilter("ignore")
        return gaze.attend(q, k, v, HEADS)


@settings(deadline=None)
@given(looks)
@pytest.mark.parametrize("form", ["gathered", "flex"])
def test_a_form_is_the_masked_one(form: str, images_BL: np.ndarray) -> None:
    assume((images_BL >= 0).any())
    torch.manual_seed(0)
    gaze = gaze_of(images_BL, IMAGES, form=form)
    owner_N = torch.from_numpy(images_BL).ravel()[gaze.token_N]
    assert (owner_N.diff() >= 0).all()
    assert sorted(gaze.token_N.tolist()) == np.flatnonzero(images_BL.ravel() >= 0).tolist()
    q = torch.randn(len(owner_N), WIDTH)
    k, v = torch.randn(2, IMAGES, LATENTS, WIDTH)
    expected = masked(q, k, v, owner_N)
    assert torch.allclose(attended(gaze, q, k, v), expected, atol=1e-6)


def test_the_form_is_that_of_the_device() -> None:
    """A GPU takes FlexAttention by itself, the CPU gathers, and either can be asked for."""
    images_BL = np.array([[0, 0, -1]])
    assert isinstance(gaze_of(images_BL, 1, form="auto"), GatheredGaze)
    assert isinstance(gaze_of(images_BL, 1, "meta", "auto"), GatheredGaze)
    assert isinstance(gaze_of(images_BL, 1, form="flex"), FlexGaze)
    nobody = gaze_of(np.full((1, 3), -1), 0, form="flex")
    assert not len(nobody.token_N)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_both_forms_have_the_gradients_of_the_masked_one() -> None:
    torch.manual_seed(0)
    images_BL = np.sort(np.random.default_rng(0).integers(-1, IMAGES, (3, 200)))
    found = []
    for form in ("gathered", "flex", "auto", "masked"):
        torch.manual_seed(1)
        gaze = gaze_of(images_BL, IMAGES, "cuda", "auto" if form == "masked" else form)
        shapes = ((len(gaze.token_N), 64), (IMAGES, 64, 64), (IMAGES, 64, 64))
        q, k, v = (torch.randn(shape, device="cuda", requires_grad=True) for shape in shapes)
        if form == "masked":
            owner_N = torch.from_numpy(images_BL).ravel().cuda()[gaze.token_N]
            own = owner_N[:, None] == torch.arange(IMAGES, device="cuda").repeat_interleave(64)
            parts = (x.reshape(1, -1, HEADS, 32).transpose(1, 2) for x in (q, k, v))
            out = fn.scaled_dot_product_attention(*parts, attn_mask=own)
            out = out.transpose(1, 2).flatten(2)[0]
        else:
            out = gaze.attend(q, k, v, HEADS)
        found.append([out, *torch.autograd.grad(out.square().sum(), (q, k, v))])
    for form in found[:-1]:
        for part, expected in zip(form, found[-1], strict=True):
            assert torch.allclose(part, expected, rtol=1e-3, atol=1e-3)
