"""A frozen open_clip tower that gives the features of image patches."""

from typing import Any

import torch
from torch import Tensor, nn

from model.pixels import Canvas
from model.recipe import PixelsRecipe, VisionRecipe
from model.weights.locate import ClipFiles, ClipUnavailable, locate_clip
from schemas.recipe import RecipeError

DEFINITION = "last stage of the tower's grid, after its last norm where it has one, no class token"
"""What a feature is; kept with every checkpoint, since other loaders mean other things by it."""

FRAMES_AT_ONCE = 256
"""Frames that go through the tower together: bounds its memory, not its result."""


class FrozenVision(nn.Module):
    """Frames to patch features, without gradients, always in evaluation mode.

    Args:
        visual: the image half of an open_clip model.
        side_px: side of the squares it takes.

    Attributes:
        side_px: as given.
        dim: width of a feature.
        mean_rgb: the tower's mean colour, 0 to 1: what images are padded with.
    """

    def __init__(self, visual: nn.Module, side_px: int) -> None:
        super().__init__()
        tower: Any = visual.requires_grad_(False).eval()
        self.visual: Any = tower
        self.side_px = side_px
        colours: dict[str, Any] = tower.preprocess_cfg
        self.mean_rgb = tuple(float(channel) for channel in colours["mean"])
        std = torch.tensor(colours["std"])
        self.register_buffer("mean", torch.tensor(self.mean_rgb)[:, None, None], persistent=False)
        self.register_buffer("std", std[:, None, None], persistent=False)
        with torch.no_grad():
            self.dim = int(self._grid(torch.zeros(1, 3, side_px, side_px)).shape[-1])

    def canvas(self, recipe: PixelsRecipe) -> Canvas:
        """What images are put on for this tower."""
        return Canvas(self.side_px, self.mean_rgb, crops=recipe.fit == "crop")

    def train(self, mode: bool = True) -> "FrozenVision":
        """Stays in evaluation mode, whatever is asked of the model around it."""
        del mode
        return super().train(mode=False)

    @torch.no_grad()
    def forward(self, pixels_FHWC: Tensor) -> Tensor:
        """Features [F, S, V] of uint8 RGB frames [F, H, W, 3]."""
        kind = next(self.visual.parameters()).dtype
        pieces = []
        for piece in torch.split(pixels_FHWC, FRAMES_AT_ONCE):
            frames = piece.permute(0, 3, 1, 2).float() / 255
            frames = (frames - self.get_buffer("mean")) / self.get_buffer("std")
            pieces.append(self._grid(frames.to(kind)))
        return torch.cat(pieces)

    def _grid(self, frames: Tensor) -> Tensor:
        """The last stage's grid, flattened to [F, S, V]; open_clip has one method on all towers."""
        found = self.visual.forward_intermediates(
            frames, indices=1, normalize_intermediates=True, intermediates_only=True
        )
        grid: Tensor = found["image_intermediates"][-1]
        return grid.flatten(2).transpose(1, 2)


def load_vision(recipe: VisionRecipe) -> FrozenVision:
    """The tower that a recipe names.

    Raises:
        RecipeError: there is no such model, or its weights cannot be had.
    """
    clip, _ = load_clip(recipe)
    side = clip.visual.image_size
    return FrozenVision(clip.visual, side if isinstance(side, int) else side[0])


def load_clip(recipe: VisionRecipe) -> tuple[Any, ClipFiles]:
    """The whole CLIP whose tower a recipe names, at the side that it asks for, and its files.

    Raises:
        RecipeError: there is no such model, or its weights cannot be had.
    """
    import open_clip

    wanted = ("mean", "std")
    try:
        files = locate_clip(recipe.model, recipe.pretrained)
        clip = open_clip.create_model(
            files.architecture,
            pretrained=None if files.brings_weights else str(files.weights),
            require_pretrained=True,
            force_image_size=recipe.side_px or None,
            force_preprocess_cfg={key: files.tag[key] for key in wanted if key in files.tag},
            **({"quick_gelu": bool(files.tag.get("quick_gelu"))} if files.tag else {}),
        )
    except (ClipUnavailable, OSError, RuntimeError, ValueError) as error:
        raise RecipeError(f"[vision] {error}") from error
    return clip, files
