"""Where the embeddings of a build's output are kept, so that the next build need not make them."""

import uuid
from importlib import metadata
from pathlib import Path

from model.clip import clip_digest, clip_setting, is_plugin
from pipeline.stages.beam_files import is_local
from pipeline.stages.similarity import ClipChoice
from pipeline.store.vectors import Vectors
from schemas.recipe import digest_of

_DECIDING = ("torch", "torchvision", "timm", "open_clip_torch", "pillow")
"""Packages whose versions decide the last bits of a row."""


def open_kept(choice: ClipChoice, root: str) -> Vectors | None:
    """The rows kept below a work folder for a choice; None in a bucket, where none are kept."""
    if not is_local(root):
        return None
    folder = Path(root, "embeddings", rows_digest(choice))
    return Vectors(folder, uuid.uuid4().hex)


def rows_digest(choice: ClipChoice) -> str:
    """What decides a row but its image or text: weights, settings, code, packages, device."""
    digest = clip_digest(choice.model, choice.pretrained)
    if is_plugin(choice.model):
        return digest_of(choice.model, digest)
    home = Path(__file__).resolve().parents[2] / "model"
    code = [path.read_text("utf-8") for path in sorted(home.glob("clip*.py"))]
    versions = [_version(name) for name in _DECIDING]
    setting = clip_setting(choice.model, choice.pretrained)
    return digest_of(digest, setting, choice.compute, _has_gpu(), code, versions)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _has_gpu() -> bool:
    """Whether there is a device of Nvidia's driver: asked without the seconds torch takes."""
    return Path("/dev/nvidia0").exists()
