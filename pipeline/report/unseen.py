"""Media that the page must not show: what the build found unsafe, kept with a flag or taken out."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace

import pyarrow.compute as pc

from pipeline.report.samples import Shown
from pipeline.report.sources import ReportFiles, table_batches
from schemas.records import ImagePart, Pair
from schemas.rejection import Reason

_COLUMNS = ["stage", "key", "reason"]


def unsafe_keys(output: str, keys: Set[str], files: ReportFiles) -> set[str]:
    """Those of some media's keys that a decision says are unsafe, or on a hash list.

    Args:
        output: the build's output.
        keys: of the media that may be shown.
        files: where the output lies.
    """
    found: set[str] = set()
    for path in files.list(f"{output}/decisions") if keys else ():
        if not path.rpartition("/")[2].startswith("unsafe-"):
            continue
        for batch in table_batches(path, _COLUMNS, files):
            unsafe = batch.filter(pc.equal(batch["reason"], str(Reason.UNSAFE)))
            found |= keys & set(unsafe["key"].to_pylist())
    return found


def media_keys(samples: Iterable[Shown]) -> Iterator[str]:
    """The keys of all media of some samples."""
    for shown in samples:
        yield from _keys_of(shown)


def without_unsafe(shown: Shown, unsafe: Set[str]) -> Shown:
    """The sample without the pictures and videos of unsafe media."""
    keys = _keys_of(shown)
    if not unsafe & set(keys):
        return shown
    seen = zip(keys, shown.thumbnails, strict=True)
    pictures = tuple("" if key in unsafe else picture for key, picture in seen)
    return replace(shown, thumbnails=pictures, video="")


def _keys_of(shown: Shown) -> list[str]:
    """The keys of a sample's media, in the order of its thumbnails."""
    if shown.record is None:
        return []
    if isinstance(shown.record, Pair):
        return [shown.record.media.key]
    return [part.image.key for part in shown.record.parts if isinstance(part, ImagePart)]
