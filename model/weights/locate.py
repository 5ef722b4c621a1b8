"""Where the weights of a CLIP lie: in the package, a folder, a file, or behind an open_clip tag.

Nothing here loads a tensor, and for a folder, a file or the embedded weights torch is not even
imported: a build can ask for the digest before it decides whether it has anything to embed.
"""

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EMBEDDED = "embedded"
LOCAL_DIR = "local-dir:"
HUB = "hf-hub:"
TINY_CLIP = Path(__file__).parent / "tiny" / "clip"
TINY_LM = Path(__file__).parent / "tiny" / "lm"
PROBE_S = 10.0
"""How long the network may take to answer the one question whether it has the file."""

CONFIG_NAME = "open_clip_config.json"
# The order in which open_clip itself looks for weights in a folder (factory.py).
_FOLDER_NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
_HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")

OFFLINE_WAYS = (
    "without a network, give a folder with open_clip_config.json and its weights as "
    "model='local-dir:PATH', or a weight file's path as pretrained, or model='embedded' "
    "(the tiny CLIP of this package, for demonstration only)"
)


class ClipUnavailable(Exception):
    """The weights that were asked for cannot be had; says why and which ways need no network."""

    def __init__(self, model: str, pretrained: str, why: str) -> None:
        asked = f"{model!r}" + (f" with pretrained={pretrained!r}" if pretrained else "")
        super().__init__(f"no weights for CLIP {asked}: {why}; {OFFLINE_WAYS}")


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """What open_clip is to load.

    Attributes:
        architecture: the name open_clip builds the model from.
        weights: the weight file.
        tag: open_clip's entry for the pretrained tag (means, resize mode), empty without a tag.
    """

    architecture: str
    weights: Path
    tag: dict[str, Any]

    @property
    def brings_weights(self) -> bool:
        """Whether open_clip finds the weights by the architecture's name alone."""
        return self.architecture.startswith((LOCAL_DIR, HUB))


def locate_clip(model: str, pretrained: str = "") -> ClipFiles:
    """The architecture and weight file of a CLIP, downloaded where only the network has it.

    Args:
        model: an open_clip name, `local-dir:PATH`, `hf-hub:OWNER/NAME`, or `embedded`.
        pretrained: an open_clip tag or a weight file's path; only with an open_clip name.

    Raises:
        ClipUnavailable: the weights cannot be had.
    """
    if model == EMBEDDED or model.startswith((LOCAL_DIR, HUB)):
        if pretrained:
            raise ClipUnavailable(model, pretrained, "this model brings its own weights")
        if model.startswith(HUB):
            return _in_hub(model)
        return _in_folder(model, TINY_CLIP if model == EMBEDDED else Path(model[len(LOCAL_DIR) :]))
    if not pretrained:
        known = _known_tags(_known_name(model, pretrained))
        raise ClipUnavailable(model, pretrained, f"no pretrained tag was given (tags: {known})")
    if Path(pretrained).is_file():
        return ClipFiles(_known_name(model, pretrained), Path(pretrained), {})
    return _behind_tag(model, pretrained)


def weight_digest(files: ClipFiles) -> str:
    """The sha256 of the weight file, 64 hex digits; what `sha256sum` prints."""
    with files.weights.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _in_folder(model: str, folder: Path) -> ClipFiles:
    if not folder.is_dir():
        raise ClipUnavailable(model, "", f"there is no folder {folder}")
    if not (folder / CONFIG_NAME).is_file():
        raise ClipUnavailable(model, "", f"{folder} has no {CONFIG_NAME}")
    for name in _FOLDER_NAMES:
        if (folder / name).is_file():
            return ClipFiles(f"{LOCAL_DIR}{folder}", folder / name, {})
    raise ClipUnavailable(model, "", f"{folder} has no weight file ({_FOLDER_NAMES[0]})")


def _known_name(model: str, pretrained: str) -> str:
    try:
        import open_clip
    except ImportError:
        why = "open_clip is not installed (pip install 'open-m3w[model]')"
        raise ClipUnavailable(model, pretrained, why) from None

    name = model.replace("/", "-")  # as open_clip reads ViT-B/32
    models = open_clip.list_models()
    if name not in models:
        near = difflib.get_close_matches(name, models, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ClipUnavailable(model, pretrained, f"open_clip has no model of this name{hint}")
    return name


def _known_tags(name: str) -> str:
    import open_clip

    return ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"


def _behind_tag(model: str, pretrained: str) -> ClipFiles:
    name = _known_name(model, pretrained)
    import open_clip

    tag = dict(open_clip.get_pretrained_cfg(name, pretrained))
    if not tag:
        why = f"neither a file nor a tag of this model (tags: {_known_tags(name)})"
        raise ClipUnavailable(model, pretrained, why)
    repository, _, file_name = str(tag["hf_hub"]).rpartition("/")
    weights = _hub_file(model, pretrained, repository, _safe_names(file_name))
    return ClipFiles(name, weights, tag)


def _safe_names(file_name: str) -> tuple[str, ...]:
    """The names under which a hub repository may hold the weights, safetensors first."""
    if not file_name or file_name in _HUB_NAMES:
        return _HUB_NAMES
    stem, dot, ending = file_name.rpartition(".")
    if ending in {"bin", "pth"}:
        return f"{stem}{dot}safetensors", file_name
    return (file_name,)


def _in_hub(model: str) -> ClipFiles:
    repository = model[len(HUB) :]
    _hub_file(model, "", repository, (CONFIG_NAME,))
    return ClipFiles(model, _hub_file(model, "", repository, _HUB_NAMES), {})


def _hub_file(model: str, pretrained: str, repository: str, names: tuple[str, ...]) -> Path:
    """The first of some files that the cache has, else the first that the hub has."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    for name in names:
        cached = try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return Path(cached)
    for name in names:
        try:
            _probe_hub(repository, name)
            return Path(hf_hub_download(repository, name))
        except LocalEntryNotFoundError as error:
            raise ClipUnavailable(model, pretrained, _first_line(error)) from error
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise ClipUnavailable(model, pretrained, _first_line(error)) from error
    raise ClipUnavailable(model, pretrained, f"{repository} has none of {', '.join(names)}")


def _probe_hub(repository: str, name: str) -> None:
    """Nothing, where the hub answers at all; its own downloader would retry for a minute.

    Raises:
        OSError: no answer within PROBE_S.
    """
    import ssl
    import urllib.error
    import urllib.request

    from huggingface_hub import hf_hub_url, is_offline_mode

    if is_offline_mode():
        raise OSError("HF_HUB_OFFLINE is set and the file is not in the cache")
    request = urllib.request.Request(hf_hub_url(repository, name), method="HEAD")  # noqa: S310
    try:
        urllib.request.urlopen(request, timeout=PROBE_S).close()  # noqa: S310
    except urllib.error.HTTPError:
        return  # an answer: what it means, the hub's own client says
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # the hub's client has certificates
            raise OSError(f"the network does not answer ({error.reason})") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
