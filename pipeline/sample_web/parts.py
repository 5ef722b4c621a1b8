"""What pages of the made-up web consist of, between drawing them and writing them down."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipeline.sample_web.movies import VideoFile
from pipeline.sample_web.pictures import ImageFile
from pipeline.sample_web.scenes import Scene
from schemas.keys import sha256_hex
from schemas.records import Role

Truth = dict[str, Any]
"""One JSON object of truth.jsonl."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One HTTP response of the made-up web."""

    url: str
    content_type: str
    body: bytes
    status: int = 200


@dataclass(frozen=True, slots=True)
class Shot:
    """An image before it has a place and a URL.

    Attributes:
        file: the encoded image; None for a link that leads nowhere.
        name: of the file, without extension.
        alt: what the page says in the alt text, or "".
        caption: what the page may say below the image, or "".
        description: what the image really shows.
        purpose: content, logo, icon, pixel, advert, placeholder, thumbnail, variant, flat, tiny,
            or banner.
        scene: what the image shows, where it shows a scene.
        mismatched: alt text and caption belong to another image.
        copy_of: id of the evaluation image that this is a copy of.
        transform: what the copy has gone through.
        url: a URL of its own, for an image that many pages link.
    """

    file: ImageFile | None
    name: str
    alt: str = ""
    caption: str = ""
    description: str = ""
    purpose: str = "content"
    scene: Scene | None = None
    mismatched: bool = False
    copy_of: str | None = None
    transform: str | None = None
    url: str = ""

    @property
    def extension(self) -> str:
        """Of the file's name."""
        return {"jpeg": "jpg"}.get(self.file.format, self.file.format) if self.file else "jpg"

    def is_content(self) -> bool:
        """Whether a corpus should keep the image."""
        return self.purpose == "content" and self.file is not None

    def as_truth(self, url: str, idiom: str) -> Truth:
        """The image's line in the truth of its page."""
        file = self.file
        return {
            "url": url,
            "sha256": sha256_hex(file.data) if file else None,
            "width": file.width if file else None,
            "height": file.height if file else None,
            "format": file.format if file else None,
            "content": self.is_content(),
            "purpose": self.purpose,
            "dead": file is None,
            "idiom": idiom,
            "alt": self.alt,
            "scene": asdict(self.scene) if self.scene else None,
            "description": self.description,
            "mismatched": self.mismatched,
            "copy_of": self.copy_of,
            "transform": self.transform,
        }

    def as_variant(self, file: ImageFile, suffix: str) -> "Shot":
        """The same picture as another file that a page offers beside it."""
        return replace(self, file=file, name=f"{self.name}{suffix}", purpose="variant", url="")


@dataclass(frozen=True, slots=True)
class Reel:
    """A video before it has a place and a URL; attributes as in `Shot`."""

    file: VideoFile
    name: str
    caption: str
    scene: Scene
    paths: tuple[str, ...]
    copy_of: str | None = None

    def as_truth(self, url: str) -> Truth:
        """The video's line in the truth of its page."""
        return {
            "url": url,
            "sha256": sha256_hex(self.file.data),
            "width": self.file.width,
            "height": self.file.height,
            "seconds": self.file.seconds,
            "format": "mp4",
            "content": True,
            "scene": asdict(self.scene),
            "paths": list(self.paths),
            "description": self.caption,
            "copy_of": self.copy_of,
            "transform": "frame" if self.copy_of else None,
        }


@dataclass(slots=True)
class Ledger:
    """The truth of a page, written down while its HTML is."""

    content: list[Truth] = field(default_factory=list)
    images: dict[str, Truth] = field(default_factory=dict)
    videos: list[Truth] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)

    def text(self, text: str, role: Role) -> None:
        """A text that a reader sees next; white space collapsed."""
        self.content.append({"kind": "text", "role": str(role), "text": " ".join(text.split())})


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """One page with all that it links: the page's own response first."""

    truth: Truth
    resources: tuple[Resource, ...]
