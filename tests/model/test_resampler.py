import pytest
import torch
from torch.nn import functional as fn

from model.recipe import ResamplerRecipe
from model.resampler import Resampler, SquaredReLU

TINY = ResamplerRecipe(layers=2, dim=16, heads=2, head_dim=4, latents=3, ffw_factor=4)


@pytest.fixture
def resampler() -> Resampler:
    torch.manual_seed(0)
    return Resampler(12, TINY, frames=4)


def test_any_number_of_frames_gives_the_same_number_of_latents(resampler: Resampler) -> None:
    for frames in (1, 3, 4, 9):
        latents = resampler(torch.randn(2 * frames, 5, 12), torch.tensor([frames, frames]))
        assert latents.shape == (2, 3, 16)


def test_the_papers_resampler_has_about_194m_parameters() -> None:
    with torch.device("meta"):
        paper = Resampler(1536, ResamplerRecipe(), frames=8)
    count = sum(p.numel() for p in paper.parameters())
    assert abs(count / 1e6 - 194) < 25  # table 5; norms, biases and shared projections are not told
    assert paper.attention[0].to_kv.weight.shape == (2 * 16 * 96, 1536)
    assert paper.dense[0][1].weight.shape == (4 * 1536, 1536)


def test_squared_relu() -> None:
    assert SquaredReLU()(torch.tensor([-2.0, 0.0, 3.0])).tolist() == [0.0, 0.0, 9.0]


def test_time_embeddings_are_stretched_over_longer_videos(resampler: Resampler) -> None:
    learnt = resampler.time
    assert torch.equal(resampler.time_embeddings(1), learnt[:1])
    assert torch.equal(resampler.time_embeddings(4), learnt)
    longer = resampler.time_embeddings(7)
    assert torch.allclose(longer[::2], learnt, atol=1e-6)
    assert torch.allclose(longer[1], (learnt[0] + learnt[1]) / 2, atol=1e-6)


def test_order_of_frames_matters_and_position_in_a_frame_does_not(resampler: Resampler) -> None:
    features, two = torch.randn(2, 5, 12), torch.tensor([2])
    latents = resampler(features, two)
    assert not torch.allclose(latents, resampler(features.flip(0), two), atol=1e-5)
    assert torch.allclose(latents, resampler(features[:, torch.randperm(5)], two), atol=1e-5)


def test_videos_of_unequal_length_do_not_disturb_one_another(resampler: Resampler) -> None:
    frames = torch.tensor([1, 4, 2])
    features = torch.randn(7, 5, 12)
    together = resampler(features, frames)
    alone = [
        resampler(piece, torch.tensor([len(piece)])) for piece in features.split(frames.tolist())
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_one_layer_is_the_papers_figure_5() -> None:
    torch.manual_seed(1)
    one = Resampler(16, ResamplerRecipe(1, 16, 2, 4, 3, 4), frames=2)
    features = torch.randn(2, 5, 16)
    x_f = (features + one.time[:2, None]).reshape(1, 10, 16)
    x = one.latents[None]
    layer = one.attention[0]
    x_n, f_n = layer.norm_latents(x), layer.norm_features(x_f)
    kv = torch.cat([f_n, x_n], dim=1)
    q, (k, v) = layer.to_q(x_n), layer.to_kv(kv).chunk(2, dim=-1)
    heads = []
    for h in range(2):
        part = slice(4 * h, 4 * h + 4)
        scores = q[..., part] @ k[..., part].transpose(1, 2) / 4**0.5
        heads.append(scores.softmax(-1) @ v[..., part])
    x = x + layer.to_out(torch.cat(heads, dim=-1))
    _, up, _, down = one.dense[0]
    x = x + down(fn.relu(up(one.dense[0][0](x))) ** 2)
    assert torch.allclose(one(features, torch.tensor([2])), one.norm(x), atol=1e-5)
