"""Which benchmarks are known, how each may lie on disk, and how it is recognised and read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from schemas.benchmarks.captions import (
    read_coco,
    read_flickr_annotations,
    read_flickr_csv,
    read_flickr_token,
    read_karpathy,
)
from schemas.benchmarks.classes import CLASS_LISTS, read_imagenet
from schemas.benchmarks.dialogue import MEMES, read_memes, read_visdial
from schemas.benchmarks.folder import NOT_SO, Folder
from schemas.benchmarks.items import Example, LayoutError, Lost
from schemas.benchmarks.questions import read_textvqa, read_vizwiz, read_vqa
from schemas.benchmarks.scenes import (
    KINETICS_FILES,
    read_kinetics,
    read_kinetics_folders,
    read_rareact,
    read_vatex,
    read_youcook2,
)
from schemas.benchmarks.videos import (
    CSV_FILES,
    QA_FILES,
    is_head,
    read_ivqa,
    read_nextqa,
    read_star,
    read_video_qa,
    star_files,
)

Read = Callable[[Folder], Iterator[Example | Lost]]

PLAIN = "plain"
"""The name of no layout: a folder of images and videos, and nothing known of them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a benchmark lies on disk.

    Attributes:
        benchmark: its name.
        name: of the way.
        read: the examples in a folder, and what of it cannot be used.
        files: patterns of the names of annotation files; one must be there.
        columns: that such a file must have in its head, where it is a table.
    """

    benchmark: str
    name: str
    read: Read
    files: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def is_in(self, folder: Folder) -> bool:
        """Whether the folder has such files."""
        paths = folder.named(*self.files)
        return any(is_head(path, *self.columns) for path in paths) if self.columns else bool(paths)

    def examples(self, folder: Folder) -> Iterator[Example | Lost]:
        """The examples in a folder, and what of it cannot be used.

        Raises:
            LayoutError: an annotation file is not as the layout says.
        """
        try:
            yield from self.read(folder)
        except LayoutError:
            raise
        except NOT_SO as error:
            raise LayoutError(
                f"{folder.root}: not laid out as {self.benchmark} ({self.name}): {error!r}"
            ) from error

    @property
    def wanted(self) -> str:
        """What is looked for, in words."""
        head = f" with columns {', '.join(self.columns)}" if self.columns else ""
        return f"{self.name}: {' or '.join(self.files)}{head}"


def _vqa(prefix: str) -> Read:
    """Of VQAv2 and OK-VQA, whose files differ in how their names begin."""
    return partial(
        read_vqa,
        questions=f"{prefix}OpenEnded_mscoco_*_questions.json",
        annotations=f"{prefix}mscoco_*_annotations.json",
    )


_TEXTVQA = tuple(f"TextVQA_*_{split}.json" for split in ("train", "val", "test"))
_VISDIAL = tuple(f"visdial_*_{split}.json" for split in ("train", "val", "test"))
_IVQA = ("video_id", "question", "answer1", "answer5")
_NEXTQA = ("video", "question", "answer", "qid", "type")
_KINETICS = ("youtube_id", "time_start", "time_end", "split")

_LAYOUTS = (
    Layout(
        "coco",
        "karpathy",
        partial(read_karpathy, pattern="dataset_coco.json"),
        ("dataset_coco.json",),
    ),
    Layout("coco", "captions", read_coco, ("captions_*.json", "image_info_*.json")),
    Layout(
        "flickr30k",
        "karpathy",
        partial(read_karpathy, pattern="dataset_flickr30k.json"),
        ("dataset_flickr30k.json",),
    ),
    Layout("flickr30k", "annotations", read_flickr_annotations, ("flickr_annotations_30k.csv",)),
    Layout("flickr30k", "token", read_flickr_token, ("*.token",)),
    Layout("flickr30k", "csv", read_flickr_csv, ("results.csv",)),
    Layout("vqav2", "official", _vqa("v2_"), ("v2_OpenEnded_mscoco_*_questions.json",)),
    Layout("okvqa", "official", _vqa(""), ("OpenEnded_mscoco_*_questions.json",)),
    Layout("vizwiz", "official", read_vizwiz, ("train.json", "val.json", "test.json")),
    Layout("textvqa", "official", read_textvqa, _TEXTVQA),
    Layout("visdial", "official", read_visdial, _VISDIAL),
    Layout("hatefulmemes", "official", read_memes, MEMES),
    Layout("msvdqa", "official", partial(read_video_qa, prefix="vid"), QA_FILES),
    Layout("msrvttqa", "official", partial(read_video_qa, prefix="video"), QA_FILES),
    Layout("vatex", "official", read_vatex, ("vatex_*.json",)),
    Layout("ivqa", "official", read_ivqa, CSV_FILES, _IVQA),
    Layout("youcook2", "official", read_youcook2, ("youcookii_annotations_*.json",)),
    Layout("star", "official", read_star, star_files()),
    Layout("nextqa", "official", read_nextqa, CSV_FILES, _NEXTQA),
    Layout("rareact", "official", read_rareact, ("rareact.csv",)),
    Layout("imagenet", "official", read_imagenet, CLASS_LISTS),
    Layout("kinetics", "csv", read_kinetics, KINETICS_FILES, _KINETICS),
    Layout("kinetics", "folders", read_kinetics_folders, ("*.mp4", "*.webm", "*.mkv", "*.avi")),
)

LAYOUTS: Mapping[str, tuple[Layout, ...]] = MappingProxyType(
    {
        name: tuple(one for one in _LAYOUTS if one.benchmark == name)
        for name in dict.fromkeys(one.benchmark for one in _LAYOUTS)
    }
)
"""The layouts of each benchmark, those tried first that the field evaluates on."""


def benchmark_of(name: str) -> str:
    """The benchmark that a name means, however it is written (VQA-v2, ok_vqa); "" for none."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return plain if plain in LAYOUTS else ""


def find_layout(benchmark: str, folder: Folder, name: str = "") -> Layout:
    """The layout in which a benchmark lies in a folder.

    Args:
        benchmark: its name.
        folder: that holds it.
        name: of the layout, to take no other.

    Raises:
        LayoutError: no such benchmark or layout, or it is not there; says what was looked for.
    """
    if benchmark not in LAYOUTS:
        raise LayoutError(f"no benchmark {benchmark} (known: {', '.join(LAYOUTS)})")
    layouts = [one for one in LAYOUTS[benchmark] if name in ("", one.name)]
    if not layouts:
        known = ", ".join(one.name for one in LAYOUTS[benchmark])
        raise LayoutError(f"{benchmark} has no layout {name} (known: {known})")
    for layout in layouts:
        if layout.is_in(folder):
            return layout
    wanted = "; ".join(one.wanted for one in layouts)
    raise LayoutError(f"{folder.root}: no {benchmark} there; looked for {wanted}")
