import json
from pathlib import Path

import pytest
import torch

from model.recipe import VisionRecipe
from model.vision import FrozenVision, load_vision
from schemas.recipe import RecipeError


@pytest.fixture(scope="module")
def vision(clip_folder: Path) -> FrozenVision:
    return load_vision(VisionRecipe(f"local-dir:{clip_folder}"))


def test_a_vit_gives_its_patches_without_the_class_token(vision: FrozenVision) -> None:
    assert (vision.side_px, vision.dim) == (32, 32)
    assert vision.mean_rgb == (0.5, 0.4, 0.3)
    features = vision(torch.zeros(3, 32, 32, 3, dtype=torch.uint8))
    assert features.shape == (3, 4, 32)


def test_features_are_the_towers_own_tokens(vision: FrozenVision) -> None:
    pixels = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    frames = (pixels.permute(0, 3, 1, 2) / 255 - vision.mean) / vision.std
    tower = vision.visual
    tower.output_tokens = True
    with torch.no_grad():
        _, tokens = tower(frames)
    tower.output_tokens = False
    assert torch.allclose(vision(pixels), tokens, atol=1e-5)


def test_other_image_sizes(clip_folder: Path) -> None:
    larger = load_vision(VisionRecipe(f"local-dir:{clip_folder}", side_px=64))
    assert larger.side_px == 64
    assert larger(torch.zeros(1, 64, 64, 3, dtype=torch.uint8)).shape == (1, 16, 32)


def test_it_stays_frozen(vision: FrozenVision) -> None:
    vision.train()
    assert not vision.training
    assert not any(module.training for module in vision.modules())
    assert not any(p.requires_grad for p in vision.parameters())
    assert not vision(torch.zeros(1, 32, 32, 3, dtype=torch.uint8)).requires_grad


def test_pieces_give_what_the_whole_gives(
    vision: FrozenVision, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8)
    whole = vision(pixels)
    monkeypatch.setattr("model.vision.FRAMES_AT_ONCE", 2)
    assert torch.allclose(vision(pixels), whole, atol=1e-6)


@pytest.mark.parametrize(
    "recipe", [VisionRecipe("local-dir:nowhere"), VisionRecipe("ViT-Nonsense", "x")]
)
def test_a_tower_that_is_not_there_is_one_clear_error(recipe: VisionRecipe) -> None:
    with pytest.raises(RecipeError, match=r"\[vision\]"):
        load_vision(recipe)


@pytest.mark.shared
def test_a_timm_trunk_gives_its_last_grid(shared_weights: Path) -> None:
    vision = load_vision(VisionRecipe(f"local-dir:{shared_weights / 'miniclip'}"))
    features = vision(torch.zeros(1, 224, 224, 3, dtype=torch.uint8))
    assert features.shape == (1, 49, vision.dim)
    assert features.isfinite().all()


def test_a_resnet_gives_its_last_grid(tmp_path: Path) -> None:
    import open_clip
    from safetensors.torch import save_file

    seen = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}
    text = {"context_length": 8, "vocab_size": 99, "width": 16, "heads": 1, "layers": 1}
    cfg = {"embed_dim": 16, "vision_cfg": seen, "text_cfg": text}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg}))
    save_file(open_clip.CLIP(**cfg).state_dict(), tmp_path / "open_clip_model.safetensors")
    vision = load_vision(VisionRecipe(f"local-dir:{tmp_path}"))
    assert vision(torch.zeros(2, 64, 64, 3, dtype=torch.uint8)).shape == (2, 4, 8 * 32)
    assert not vision.train().visual.bn1.training  # its running means stay as they are
