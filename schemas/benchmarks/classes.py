"""ImageNet's classification set of 2012: images in a folder a synset, or flat with a truth file.

Layouts: image-net.org's archives as torchvision's `ImageNet` reads them (devkit
`ILSVRC2012_devkit_t12`), Kaggle's `imagenet-object-localization-challenge` (`LOC_*`), TensorFlow's
`imagenet_2012_validation_synset_labels.txt`, and Caffe's `synset_words.txt` with `val.txt`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.benchmarks.folder import IMAGE_SUFFIXES, Folder, read_csv, read_json, read_lines
from schemas.benchmarks.items import Example, LayoutError, Lost, Media
from schemas.benchmarks.matlab import read_structs

_SYNSET = re.compile(r"n\d{8}")

CLASS_LISTS = (
    "LOC_synset_mapping.txt",
    "synset_words.txt",
    "imagenet_class_index.json",
    "imagenet_metadata.txt",
    "meta.mat",
    "words.txt",
)
"""What the classes are called; the first that is there counts."""

TRUTHS = (
    "LOC_val_solution.csv",
    "imagenet_2012_validation_synset_labels.txt",
    "ILSVRC2012_validation_ground_truth.txt",
    "val.txt",
)
"""Which synset the images of a flat validation folder show; the first that is there counts."""


def read_imagenet(folder: Folder) -> Iterator[Example | Lost]:
    """Images with the first name of their class.

    `train/n01440764/*.JPEG` tells the class by its folder; `val/ILSVRC2012_val_00000001.JPEG` needs
    one of TRUTHS. Images of the test split have no class. Names come from one of CLASS_LISTS.
    Raises LayoutError: no class list, or a truth file that is not as it should be.
    """
    names, numbers = _class_names(folder)
    truth = _truth(folder, names, numbers)
    for same in list(folder.files.values()):
        for path in same:
            if path[path.rfind(".") :].lower() in IMAGE_SUFFIXES:
                yield _example(folder.root / path, path, names, truth)


def _example(
    place: Path, path: str, names: dict[str, str], truth: dict[str, str]
) -> Example | Lost:
    parents, file = path.split("/")[:-1], place.name
    split = _split_of(parents, file)
    synset = next((part for part in reversed(parents) if _SYNSET.fullmatch(part)), None)
    synset = synset or truth.get(place.stem)
    if synset is None:
        if split == "test":
            return Example(path, (Media(place),), (), split=split)
        return Lost(path, split, "neither its folder nor a truth file tells its class")
    if synset not in names:
        return Lost(path, split, f"the class list has no {synset}")
    return Example(path, (Media(place),), (names[synset],), split=split)


def _split_of(parents: list[str], file: str) -> str:
    for word in (*reversed(parents), file):
        for split in ("train", "val", "test"):
            if word == split or f"_{split}_" in word:
                return split
    return "train" if re.match(r"n\d{8}_", file) else "val"


def _class_names(folder: Folder) -> tuple[dict[str, str], dict[int, str]]:
    """The first name of each synset, and the devkit's numbers of synsets where it is there."""
    numbers: dict[int, str] = {}
    found: dict[str, str] = {}
    for path in folder.named("meta.mat")[:1]:
        for row in read_structs(path.read_bytes(), str(path)):
            synset, number = row.get("WNID"), row.get("ILSVRC2012_ID")
            if isinstance(synset, str) and isinstance(number, int | float):
                numbers[int(number)] = synset
                found[synset] = _first_name(str(row.get("words") or synset))
    for name in CLASS_LISTS:
        for path in folder.named(name)[:1]:
            if name != "meta.mat":
                found = _READERS[path.suffix](path)
            return found, numbers
    raise LayoutError(f"{folder.root}: no class list: none of {', '.join(CLASS_LISTS)}")


def _names_of_lines(path: Path) -> dict[str, str]:
    """`n01440764 tench, Tinca tinca`, with a space or a tab behind the synset."""
    pairs = [line.replace("\t", " ", 1).partition(" ") for line in read_lines(path)]
    return {synset: _first_name(words) for synset, _, words in pairs if words.strip()}


def _names_of_index(path: Path) -> dict[str, str]:
    """`{"0": ["n01440764", "tench"]}`."""
    tree = read_json(path)
    try:
        return {synset: _first_name(word.replace("_", " ")) for synset, word in tree.values()}
    except (AttributeError, TypeError, ValueError) as error:
        raise LayoutError(f"{path}: no index of classes: {error!r}") from None


_READERS: dict[str, Callable[[Path], dict[str, str]]] = {
    ".txt": _names_of_lines,
    ".json": _names_of_index,
}


def _first_name(words: str) -> str:
    return words.partition(",")[0].strip()


def _truth(folder: Folder, names: dict[str, str], numbers: dict[int, str]) -> dict[str, str]:
    """The synsets of validation images, by their file's stem; none where no truth file is there."""
    for name in TRUTHS:
        for path in folder.named(name)[:1]:
            if name == TRUTHS[0]:
                rows = read_csv(path, ("ImageId", "PredictionString"))
                return {row["ImageId"]: row["PredictionString"].split(" ")[0] for row in rows}
            if name == TRUTHS[-1]:
                return _listed(path, names)
            return dict(_in_order(path, numbers))
    return {}


def _in_order(path: Path, numbers: dict[int, str]) -> Iterator[tuple[str, str]]:
    """A line an image, in the order of their numbers: its synset, or the devkit's number of it."""
    for place, line in enumerate(read_lines(path), 1):
        word = line.strip()
        if word.isdecimal():
            if int(word) not in numbers:
                raise LayoutError(f"{path}:{place}: class {word} is not in the devkit's meta.mat")
            word = numbers[int(word)]
        if word:
            yield f"ILSVRC2012_val_{place:08d}", word


def _listed(path: Path, names: dict[str, str]) -> dict[str, str]:
    """`ILSVRC2012_val_00000001.JPEG 65`, counted from 0 in the order of the synsets."""
    synsets, found = sorted(names), {}
    for place, line in enumerate(read_lines(path), 1):
        file, _, number = line.strip().rpartition(" ")
        if not number.isdecimal() or int(number) >= len(synsets):
            raise LayoutError(f"{path}:{place}: no number of one of {len(synsets)} classes")
        found[Path(file).stem] = synsets[int(number)]
    return found
