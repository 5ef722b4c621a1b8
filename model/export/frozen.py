"""The frozen models of a recipe as folders that their own libraries load."""

import copy
import json
from pathlib import Path

from model.language import language_path
from model.recipe import VisionRecipe
from model.vision import load_clip
from model.weights.locate import CONFIG_NAME

CLIP_WEIGHTS = "open_clip_model.safetensors"
_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")


def save_vision(recipe: VisionRecipe, folder: Path) -> None:
    """Writes the CLIP of a recipe for open_clip's `local-dir:`, its image side as the recipe's.

    Both halves: open_clip loads no image tower by itself.

    Raises:
        RecipeError: the CLIP cannot be had.
        OSError: the disk does not take it.
    """
    import open_clip
    from safetensors.torch import save_file

    clip, files = load_clip(recipe)
    config = copy.deepcopy(open_clip.get_model_config(files.architecture))
    if recipe.side_px:
        config["vision_cfg"]["image_size"] = recipe.side_px
    if files.tag:
        config["quick_gelu"] = bool(files.tag.get("quick_gelu"))
    shown = clip.visual.preprocess_cfg
    about = {
        "model_cfg": config,
        "preprocess_cfg": {key: shown[key] for key in _PREPROCESS if key in shown},
    }
    folder.mkdir()
    (folder / CONFIG_NAME).write_text(json.dumps(about, indent=1), encoding="utf-8")
    weights = {name: tensor.clone().contiguous() for name, tensor in clip.state_dict().items()}
    save_file(weights, folder / CLIP_WEIGHTS, {"format": "pt"})


def save_language(model: str, folder: Path) -> None:
    """Writes the language model that a recipe names as transformers does, in its own type.

    Raises:
        OSError: it cannot be had any more, or the disk does not take it.
    """
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(language_path(model), dtype="auto").save_pretrained(folder)
