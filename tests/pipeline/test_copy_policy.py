"""What a build does with copies of evaluation images: image out, sample out, or only flagged."""

import json
import random

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pil
from PIL import ImageDraw, ImageOps

from dedup.evaluation_file import EvaluationFile
from dedup.fingerprint import thumbnail
from dedup.index import EvaluationIndex
from dedup.items import Item
from pipeline.build import main

pytestmark = pytest.mark.beam

WORDS = (
    "ferry lake apple box door dog coat stone bridge sack morning evening harbour village market "
    "window garden letter river mountain child doctor baker teacher sailor painter bread cheese "
    "kettle basket lantern ladder blanket mirror candle carpet bottle hammer needle orchard meadow"
)
JOINTS = ["the", "of the", "and a", "with that", "to be a", "have", "that the", "and the", "of a"]
ALTS = {"flip": "a lamp left of the door", "jpeg": "seven boats in the evening"}
ALTS |= {"one": "the old mill by the river", "two": "bread and cheese on a table"}
PAGES = {"a": ("one", "flip"), "b": ("two",), "c": ("jpeg",)}


def picture(seed: int) -> Pil.Image:
    """A picture of forty random ellipses."""
    rng = np.random.default_rng(seed)
    image = Pil.new("RGB", (320, 240), tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, rx, ry = (int(rng.integers(4, side)) for side in (320, 240, 100, 80))
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


def sentences(number: int) -> str:
    """Eight paragraphs without a word of their own twice."""
    draw = random.Random(number)
    words = WORDS.split()
    draw.shuffle(words)
    told = [f"{draw.choice(JOINTS)} {word}" for word in words]
    return "".join(f"<p>{' '.join(told[n::8]).capitalize()}.</p>" for n in range(8))


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """Three pages, of whose four pictures two are copies, and the index of their originals."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "site").mkdir()
    originals = [picture(0), picture(1)]
    shown = {"flip": ImageOps.mirror(originals[0]), "jpeg": originals[1]}
    shown |= {"one": picture(2), "two": picture(3)}
    for name, image in shown.items():
        image.save(folder / "site" / f"{name}.jpg", quality=60)
    for number, (name, images) in enumerate(PAGES.items()):
        tags = "".join(f'<img src="{image}.jpg" alt="{ALTS[image]}">' for image in images)
        body = f"<article><h1>Ferry {number}</h1>{sentences(number)}{tags}</article>"
        page = f"<html><title>T</title><body>{body}</body></html>"
        (folder / "site" / f"{name}.html").write_text(page)
    items = [Item.of("held", f"{n}", thumbnail(image)) for n, image in enumerate(originals)]
    EvaluationFile(EvaluationIndex.build(items)).save(folder / "e.index")
    return folder


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("built") / "out"


def build(web, output, policy: str) -> list[dict]:
    """The decisions of a build with that policy; finished stages are not run again."""
    given = ["--recipe", "m3w", "--set", 'corpora=["m3w", "align"]', "--offline"]
    given += ["--set", f"evaluation_copy.policy={policy}", "--input", web / "site"]
    given += ["--eval-index", web / "e.index", "--output", output]
    assert main([str(word) for word in given]) == 0
    tables = [pq.read_table(path) for path in sorted((output / "decisions").glob("*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]


def stage_of(output, name: str) -> dict:
    stages = json.loads((output / "manifest.json").read_text())["stages"]
    return next(one for one in stages if one["name"] == name)


def named(rows: list[dict], stage: str, *, kept: bool) -> list[str]:
    """The names of pages or pictures that a stage kept, or did not."""
    chosen = [row["url"] for row in rows if (row["stage"], row["kept"]) == (stage, kept)]
    return sorted(url.rpartition("/")[2].partition(".")[0] for url in chosen)


def matches(rows: list[dict]) -> set[tuple]:
    return {
        (row["stage"], row["kind"], row["eval_set"], row["eval_id"], row["kept"])
        for row in rows
        if row["eval_set"]
    }


FOUND = {("copies", "image", "held", number) for number in "01"}
COUNTED = {"read": 4, "kept": 2, "rejected": {"evaluation_copy": 2}}


def test_drop_takes_out_the_image_and_its_pair(web, output):
    rows = build(web, output, "drop")
    assert matches(rows) == {(*found, False) for found in FOUND}
    assert named(rows, "m3w", kept=True) == ["a", "b"]
    assert [row["reason"] for row in rows if row["stage"] == "m3w"].count("no_media") == 1
    assert named(rows, "align", kept=True) == ["one", "two"]
    assert stage_of(output, "copies").items() >= COUNTED.items()


def test_drop_sample_takes_out_what_shows_it_too(web, output):
    rows = build(web, output, "drop_sample")
    documents = {("m3w", "document", "held", number, False) for number in "01"}
    assert matches(rows) == documents | {(*found, False) for found in FOUND}
    assert named(rows, "m3w", kept=True) == ["b"]
    assert named(rows, "align", kept=True) == ["one", "two"]
    images = {row["eval_id"]: row for row in rows if row["stage"] == "copies" and row["eval_id"]}
    for row in rows:
        if row["stage"] == "m3w" and not row["kept"]:
            image = images[row["eval_id"]]
            assert (row["reason"], row["detail"]) == ("evaluation_copy", image["url"])
            assert (row["value"], row["limit"]) == (image["value"], image["limit"])
    assert stage_of(output, "copies").items() >= COUNTED.items()
    report = (output / "report" / "index.html").read_text()
    assert "Taken out by evaluation set: held: 4." in report
    assert "n-grams" not in report


def test_flag_keeps_all_and_says_so(web, output):
    rows = build(web, output, "flag")
    assert matches(rows) == {(*found, True) for found in FOUND}
    flagged = [row for row in rows if row["eval_set"]]
    assert all(row["reason"] == "evaluation_copy" for row in flagged)
    assert all(row["limit"] <= row["value"] <= 1 for row in flagged)
    assert named(rows, "m3w", kept=True) == ["a", "b", "c"]
    assert named(rows, "align", kept=True) == ["flip", "jpeg", "one", "two"]
    assert stage_of(output, "copies").items() >= {"read": 4, "kept": 4, "rejected": {}}.items()
    report = (output / "report" / "index.html").read_text()
    assert "Kept, but flagged: held: 2." in report
    assert "Taken out by evaluation set" not in report
    assert "count differently" not in report
    section = report.partition('id="evaluation"')[2].partition("</section>")[0]
    assert section.count("data:image/jpeg") == 4  # both copies, both originals


def test_an_unknown_policy_is_refused(web, tmp_path, capsys):
    given = ["--recipe", "m3w", "--set", "evaluation_copy.policy=hide", "--input", web / "site"]
    assert main([str(word) for word in [*given, "--output", tmp_path / "out"]]) == 2
    assert "policy must be drop, drop_sample or flag, got hide" in capsys.readouterr().err
