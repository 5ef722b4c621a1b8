"""Builds the evaluation index: what no corpus may hold a copy of.

Example:
    python -m dedup.build_index --set coco=val2014/ --set vqa=vqa.parquet --output eval.index

A set is a folder of images and videos, a tar, a Parquet file with image columns, or a text file
that lists paths. Images that cannot be read are listed, on stderr and in the index; exit code 0
done, 1 when a set has none that can be read, 2 wrong usage. Hashes find copies however they were
compressed, scaled, flipped, turned or captioned, and crops near the middle or by less than a third;
a learned descriptor also finds other crops to half of each side, at some forty times the cost:
efficientnet-lite0, timm:NAME, timm:NAME=FILE, torchscript:FILE.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

from dedup.descriptor import (
    HASHES_ALONE,
    Descriptor,
    DescriptorUnavailable,
    Embedding,
    load_descriptor,
)
from dedup.eval_sets import (
    Entry,
    PassedOver,
    Picture,
    Unreadable,
    read_entries,
    read_pictures,
)
from dedup.fingerprint import is_flat, thumbnail
from dedup.index import EvaluationIndex, Item, Missing

_BATCH = 64  # entries decoded at once


@dataclass
class SetRead:
    """What was read of one set."""

    name: str
    items: list[Item] = field(default_factory=list)
    unreadable: list[Missing] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read_set(
    name: str, path: Path, descriptor: Descriptor | None = None, threads: int = 4
) -> SetRead:
    """Fingerprints of all pictures of a set, and what of it could not be read.

    Raises:
        OSError: the path does not exist or cannot be opened.
    """
    read = SetRead(name)
    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(read_entries(path)):
            for results in pool.map(partial(_fingerprint, descriptor=descriptor), batch):
                for result in results:
                    _add(read, result)
    return read


def _fingerprint(
    entry: Entry | Unreadable, descriptor: Descriptor | None
) -> list[Item | Unreadable | PassedOver]:
    if isinstance(entry, Unreadable):
        return [entry]
    return [
        _to_item(result, descriptor) if isinstance(result, Picture) else result
        for result in read_pictures(entry)
    ]


def _to_item(picture: Picture, descriptor: Descriptor | None) -> Item | Unreadable:
    grey = thumbnail(picture.image)
    if is_flat(grey):
        return Unreadable(picture.eval_id, "of one colour: nothing to know a copy by")
    row = descriptor.embed_images([picture.image])[0] if descriptor else None
    return Item.of("", picture.eval_id, grey, row)


def _add(read: SetRead, result: Item | Unreadable | PassedOver) -> None:
    if isinstance(result, Item):
        read.items.append(replace(result, eval_set=read.name))
    elif isinstance(result, Unreadable):
        read.unreadable.append(Missing(read.name, result.eval_id, result.why))
    else:
        read.passed_over.append(result.eval_id)


def _batches(entries: Iterator[Entry | Unreadable]) -> Iterator[list[Entry | Unreadable]]:
    while batch := list(islice(entries, _BATCH)):
        yield batch


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    names = [name for name, _ in options.set]
    if len(set(names)) < len(names):
        _parser().error("two sets have the same name")
    try:
        descriptor = _descriptor(options.descriptor)
    except DescriptorUnavailable as error:
        _say(str(error))
        return 1
    sets = []
    for name, path in options.set:
        _say(f"{name}: reading {path}")
        try:
            sets.append(read_set(name, path, descriptor))
        except (OSError, UnicodeDecodeError) as error:
            _say(f"{name}: cannot read {path}: {error}")
            return 1
    _list_unreadable(sets)
    empty = [read.name for read in sets if not read.items]
    if empty:
        _say(f"no image that can be read in: {', '.join(empty)}; no index was written")
        return 1
    return _write(sets, descriptor, options.output, as_json=options.json)


def _descriptor(name: str) -> Descriptor | None:
    """The descriptor asked for, on one thread: sets are read on several."""
    if name == HASHES_ALONE:
        return None
    descriptor = load_descriptor(name)
    import torch

    torch.set_num_threads(1)
    return descriptor


def _write(
    sets: Iterable[SetRead], descriptor: Descriptor | None, output: Path, *, as_json: bool
) -> int:
    items = [item for read in sets for item in read.items]
    missing = tuple(lost for read in sets for lost in read.unreadable)
    try:
        embedding = Embedding(descriptor.name, descriptor.digest) if descriptor else None
        EvaluationIndex.build(items, missing, embedding).save(output)
    except OSError as error:
        _say(f"cannot write {output}: {error.strerror}")
        return 1
    for read in sets:
        sys.stdout.write(_summary(read, as_json=as_json) + "\n")
    return 0


def _summary(read: SetRead, *, as_json: bool) -> str:
    counts = (len(read.items), len(read.unreadable), len(read.passed_over))
    if as_json:
        words = ("items", "unreadable", "passed_over")
        return json.dumps({"set": read.name, **dict(zip(words, counts, strict=True))})
    return "{}: {} pictures, {} unreadable, {} other files".format(read.name, *counts)


def _list_unreadable(sets: Iterable[SetRead]) -> None:
    for read in sets:
        for missing in read.unreadable:
            _say(f"unreadable: {read.name}: {missing.eval_id}: {missing.why}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _parser() -> argparse.ArgumentParser:
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m dedup.build_index",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--set",
        action="append",
        type=_parse_set,
        required=True,
        metavar="NAME=PATH",
        help="a set and where it lies; may be given several times",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the index")
    parser.add_argument(
        "--descriptor", default=HASHES_ALONE, metavar="NAME", help="see above; default: none"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a set on stdout")
    return parser


def _parse_set(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"must be NAME=PATH, got {text!r}")
    if not Path(path).exists():
        raise argparse.ArgumentTypeError(f"{name}: no such file or folder: {path}")
    return name, Path(path)


if __name__ == "__main__":
    sys.exit(main())
