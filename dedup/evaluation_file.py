"""The file that `dedup.build_index` writes: evaluation texts, where there are any, then images.

The texts stand first, so that a file that is cut anywhere is refused by one half or the other; a
file without texts is an image index and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dedup.evaluation_texts import MAGIC, EvaluationText, TextIndex
from dedup.index import EvaluationIndex

_ANY_VERSION = MAGIC.rpartition(b" ")[0]


@dataclass(frozen=True)
class EvaluationFile:
    """What a corpus must hold no copy of.

    Attributes:
        images: of all sets, frames of videos among them.
        texts: of those sets whose layout is known; None where no set has any.
    """

    images: EvaluationIndex
    texts: TextIndex | None = None

    @classmethod
    def of(cls, images: EvaluationIndex, texts: Iterable[EvaluationText]) -> Self:
        """An index of images with some texts, whatever their order."""
        held = TextIndex.build(texts)
        return cls(images, held if len(held) else None)

    def encode(self) -> bytes:
        """The file's bytes."""
        return (b"" if self.texts is None else self.texts.encode()) + self.images.encode()

    @classmethod
    def decode(cls, content: bytes, name: str = "index") -> Self:
        """What a file holds.

        Args:
            content: of the file.
            name: of the file, for errors.

        Raises:
            UnusableIndex: not an index, cut, changed, of another version or another descriptor.
        """
        if not content.startswith(_ANY_VERSION):
            return cls(EvaluationIndex.decode(content, name))
        texts, size = TextIndex.decode(content, name)
        return cls(EvaluationIndex.decode(content[size:], name), texts)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        part = path.with_name(path.name + ".part")
        part.write_bytes(self.encode())
        part.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The index in a file.

        Raises:
            UnusableIndex: as in `decode`.
            OSError: the file cannot be read.
        """
        return cls.decode(Path(path).read_bytes(), str(path))


def images_of(content: bytes, name: str = "index") -> EvaluationIndex:
    """The images of an index file, whether texts stand before them or not."""
    return EvaluationFile.decode(content, name).images
