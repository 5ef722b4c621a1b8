"""Builds the evaluation index: what no corpus may hold a copy of.

Example:
    python -m dedup.build_index --set coco=coco/ --set vqa=vqa.parquet --output eval.index

A set is a folder of images and videos, a tar, a Parquet file with image columns, or a text file
that lists paths. A folder under a benchmark's name (coco, flickr30k, vqav2, okvqa, vizwiz, textvqa,
visdial, hatefulmemes, msvdqa, msrvttqa, vatex, ivqa, youcook2, star, nextqa, rareact, imagenet,
kinetics) is read as its publisher ships it: questions, answers and captions go in as well, and of a
video the parts that are asked about. --set coco:karpathy=PATH names one of several layouts,
--set mine:coco=PATH the benchmark, --set coco:plain=PATH none.

Hashes find copies however they were compressed, scaled or flipped, turned by up to 25 degrees, with
words over them, and cropped by up to a fifth of each side. A learned descriptor finds smaller crops
too, at some forty times the cost: efficientnet-lite0, timm:NAME, timm:NAME=FILE, torchscript:FILE.

What cannot be read is listed, on stderr and in the index; exit code 0 done, 1 when a set has
nothing that can be read, 2 wrong usage.
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

from dedup.benchmark_sets import choose_layout, read_annotations, read_benchmark_entries
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
from dedup.evaluation_file import EvaluationFile
from dedup.evaluation_texts import EvaluationText
from dedup.fingerprint import is_flat, seen_grey, shrunk
from dedup.index import EvaluationIndex
from dedup.items import Item, Missing
from schemas.benchmarks.items import LayoutError
from schemas.benchmarks.layouts import Layout

_BATCH = 64  # entries decoded at once
_TOLD = 50  # unreadable things of a set that stderr names; the index holds all


@dataclass(frozen=True, slots=True)
class SetOption:
    """A set as the command line names it.

    Attributes:
        name: of the set.
        path: where it lies.
        layout: that it is said to have; "" for whatever is there.
    """

    name: str
    path: Path
    layout: str = ""


@dataclass
class SetRead:
    """What was read of one set."""

    name: str
    items: list[Item] = field(default_factory=list)
    unreadable: list[Missing] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    texts: list[EvaluationText] = field(default_factory=list)


def read_set(
    name: str,
    path: Path,
    layout: Layout | None = None,
    descriptor: Descriptor | None = None,
    threads: int = 4,
) -> SetRead:
    """Fingerprints of all pictures of a set, its texts, and what of it could not be read.

    Args:
        name: of the set.
        path: where it lies.
        layout: in which; None for plain files, whose texts are not known.
        descriptor: that makes a row of each picture, if any.
        threads: that decode.

    Raises:
        OSError: the path does not exist or cannot be opened.
        LayoutError: an annotation file is not as the layout says.
    """
    read = SetRead(name)
    entries = read_entries(path)
    if layout is not None:
        annotations = read_annotations(name, path, layout)
        read.texts = annotations.texts
        for lost in annotations.lost:
            _add(read, lost)
        entries = read_benchmark_entries(path, annotations.spans)
    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(entries):
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
    seen = seen_grey(picture.image)
    if is_flat(shrunk(seen)):
        return Unreadable(picture.eval_id, "of one colour: nothing to know a copy by")
    row = descriptor.embed_images([picture.image])[0] if descriptor else None
    return Item.of("", picture.eval_id, seen, row)


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
    names = [one.name for one in options.set]
    if len(set(names)) < len(names):
        _parser().error("two sets have the same name")
    why_not = _why_not_written(options.output)
    if why_not:
        _say(f"cannot write {options.output}: {why_not}")
        return 1
    try:
        descriptor = _descriptor(options.descriptor)
    except DescriptorUnavailable as error:
        _say(str(error))
        return 1
    sets = []
    for one in options.set:
        try:
            layout = _layout_of(one)
            as_what = f" as {layout.benchmark} ({layout.name})" if layout else ""
            _say(f"{one.name}: reading {one.path}{as_what}")
            sets.append(read_set(one.name, one.path, layout, descriptor))
        except (OSError, UnicodeDecodeError) as error:
            _say(f"{one.name}: cannot read {one.path}: {error}")
            return 1
        except LayoutError as error:
            _say(f"{one.name}: {error}")
            return 1
    _list_unreadable(sets)
    empty = [read.name for read in sets if not (read.items or read.texts)]
    if empty:
        _say(f"no image that can be read in: {', '.join(empty)}; no index was written")
        return 1
    return _write(sets, descriptor, options.output, as_json=options.json)


def _why_not_written(output: Path) -> str:
    """Why an index cannot be written there; "" where nothing speaks against it."""
    try:
        if output.is_dir():
            return "Is a directory"
        return "" if output.parent.is_dir() else "No such file or directory"
    except OSError as error:
        return error.strerror or type(error).__name__


def _layout_of(option: SetOption) -> Layout | None:
    """The layout of a set; None, and a word of it, where only the set's name is a benchmark's.

    Raises:
        LayoutError: the layout that was asked for is not there.
    """
    try:
        return choose_layout(option.name, option.path, option.layout)
    except LayoutError as error:
        if option.layout:
            raise
        _say(f"{option.name}: {error}; read as plain files, without texts")
        return None


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
    texts = [text for read in sets for text in read.texts]
    try:
        embedding = Embedding(descriptor.name, descriptor.digest) if descriptor else None
        images = EvaluationIndex.build(items, missing, embedding)
        EvaluationFile.of(images, texts).save(output)
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
        told = {"set": read.name, **dict(zip(words, counts, strict=True))}
        return json.dumps(told | ({"texts": len(read.texts)} if read.texts else {}))
    texts = f", {len(read.texts)} texts" if read.texts else ""
    return "{}: {} pictures, {} unreadable, {} other files".format(read.name, *counts) + texts


def _list_unreadable(sets: Iterable[SetRead]) -> None:
    for read in sets:
        for missing in read.unreadable[:_TOLD]:
            _say(f"unreadable: {read.name}: {missing.eval_id}: {missing.why}")
        more = len(read.unreadable) - _TOLD
        if more > 0:
            _say(f"unreadable: {read.name}: {more} more, all of them named in the index")


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
        metavar="NAME[:LAYOUT]=PATH",
        help="a set and where it lies; may be given several times",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the index")
    parser.add_argument(
        "--descriptor", default=HASHES_ALONE, metavar="NAME", help="see above; default: none"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a set on stdout")
    return parser


def _parse_set(text: str) -> SetOption:
    named, equals, path = text.partition("=")
    name, _, layout = named.partition(":")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"must be NAME=PATH, got {text!r}")
    try:
        found = Path(path).exists()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}: {path}") from None
    if not found:
        raise argparse.ArgumentTypeError(f"{name}: no such file or folder: {path}")
    return SetOption(name, Path(path), layout)


if __name__ == "__main__":
    sys.exit(main())
