import io

import numpy as np
import pytest
import scipy.io

from schemas.benchmarks.items import LayoutError
from schemas.benchmarks.matlab import read_structs

FISH, SHARK = "n01440764", "n01484850"
MAPPING = f"{FISH} tench, Tinca tinca\n{SHARK} great white shark, white shark\n"
FLAT = {f"val/ILSVRC2012_val_0000000{n}.JPEG": None for n in (1, 2)}


def devkit(compressed: bool) -> bytes:
    """A `meta.mat` as MATLAB writes one: numbers out of the synsets' order, a gloss in between."""
    kinds = [(name, object) for name in ("ILSVRC2012_ID", "WNID", "words", "gloss", "children")]
    rows = np.zeros((2, 1), dtype=kinds)
    rows[0, 0] = (np.array([[1]]), FISH, "tench, Tinca tinca", "a fish", np.array([[3.0, 4.0]]))
    rows[1, 0] = (np.array([[2.0]]), SHARK, "great white shark", "", np.zeros((1, 0)))
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"other": np.eye(2), "synsets": rows}, do_compression=compressed)
    return stream.getvalue()


def said(found) -> list[tuple[str, str, tuple[str, ...]]]:
    return sorted((one.split, one.media[0].path.name, one.answers) for one in found)


def test_a_folder_a_synset(read) -> None:
    files = {
        "LOC_synset_mapping.txt": MAPPING,
        f"train/{FISH}/{FISH}_10026.JPEG": None,
        f"val/{SHARK}/ILSVRC2012_val_00000001.JPEG": None,
        "train/n99999999/n99999999_1.JPEG": None,
        "test/ILSVRC2012_test_00000001.JPEG": None,
        "val/ILSVRC2012_val_00000002.JPEG": None,
    }
    found, lost = read("imagenet", files)
    assert said(found) == [
        ("test", "ILSVRC2012_test_00000001.JPEG", ()),
        ("train", f"{FISH}_10026.JPEG", ("tench",)),
        ("val", "ILSVRC2012_val_00000001.JPEG", ("great white shark",)),
    ]
    assert sorted(one.why for one in lost) == [
        "neither its folder nor a truth file tells its class",
        "the class list has no n99999999",
    ]


TRUTHS = {
    "kaggle": {
        "LOC_synset_mapping.txt": MAPPING,
        "LOC_val_solution.csv": "ImageId,PredictionString\n"
        f"ILSVRC2012_val_00000001,{SHARK} 1 2 3 4 {SHARK} 5 6 7 8\n"
        f"ILSVRC2012_val_00000002,{FISH} 1 2 3 4\n",
    },
    "tensorflow": {
        "imagenet_metadata.txt": MAPPING.replace(" ", "\t", 1).replace(f"{SHARK} ", f"{SHARK}\t"),
        "imagenet_2012_validation_synset_labels.txt": f"{SHARK}\n{FISH}\n",
    },
    "caffe": {
        "synset_words.txt": MAPPING,
        "val.txt": "ILSVRC2012_val_00000001.JPEG 1\nILSVRC2012_val_00000002.JPEG 0\n",
    },
    "devkit": {
        "ILSVRC2012_devkit_t12/data/meta.mat": devkit(True),
        "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt": "2\n1\n",
    },
    "plain devkit, names of an index": {
        "imagenet_class_index.json": {"0": [FISH, "tench"], "1": [SHARK, "great_white_shark"]},
        "data/meta.mat": devkit(False),
        "data/ILSVRC2012_validation_ground_truth.txt": "2\n1\n",
    },
}


@pytest.mark.parametrize("files", TRUTHS.values(), ids=TRUTHS)
def test_a_flat_folder_with_a_truth_file(files, read) -> None:
    found, lost = read("imagenet", files | FLAT)
    assert said(found) == [
        ("val", "ILSVRC2012_val_00000001.JPEG", ("great white shark",)),
        ("val", "ILSVRC2012_val_00000002.JPEG", ("tench",)),
    ]
    assert not lost


def test_truth_that_is_not_as_it_should_be(read) -> None:
    with pytest.raises(LayoutError, match=r"val\.txt:1: no number of one of 2 classes"):
        read("imagenet", {"synset_words.txt": MAPPING, "val.txt": "a.JPEG 2\n"} | FLAT)


def test_without_a_class_list_it_is_not_imagenet(tmp_path, read) -> None:
    with pytest.raises(LayoutError, match=r"no imagenet there; looked for official: LOC_synset"):
        read("imagenet", {"LOC_val_solution.csv": "ImageId,PredictionString\n"} | FLAT)


def test_a_number_that_the_devkit_does_not_have(read) -> None:
    files = {"meta.mat": devkit(True), "ILSVRC2012_validation_ground_truth.txt": "5\n"}
    with pytest.raises(LayoutError, match=r"class 5 is not in the devkit's meta.mat"):
        read("imagenet", files)


def test_tables_of_matlab() -> None:
    first, second = read_structs(devkit(True), "meta.mat")
    assert first["WNID"] == FISH
    assert first["ILSVRC2012_ID"] == 1
    assert first["children"] == 3.0
    assert (second["words"], second["gloss"], second["children"]) == ("great white shark", "", None)
    for content in (devkit(False)[:900], b"x" * 300, devkit(True)[:200]):
        with pytest.raises(LayoutError, match=r"meta\.mat: no"):
            read_structs(content, "meta.mat")
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"a": np.eye(3)})
    with pytest.raises(LayoutError, match="no array of structs"):
        read_structs(stream.getvalue(), "meta.mat")
