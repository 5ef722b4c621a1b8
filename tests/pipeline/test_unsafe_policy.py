"""What a build does with unsafe images: image out, document out, flagged; and with listed digests."""

import hashlib
import json
import random
import sys

import pyarrow.parquet as pq
import pytest
from PIL import Image as Pil
from PIL import ImageDraw

from pipeline.build import main

pytestmark = pytest.mark.beam

WORDS = (
    "ferry lake apple box door dog coat stone bridge sack morning evening harbour village market "
    "window garden letter river mountain child doctor baker teacher sailor painter bread cheese "
    "kettle basket lantern ladder blanket mirror candle carpet bottle hammer needle orchard meadow"
)
JOINTS = ["the", "of the", "and a", "with that", "to be a", "have", "that the", "and the", "of a"]
PICTURES = {
    "lake": ((20, 60, 200), "the old mill by the river"),
    "lamp": ((250, 10, 10), "a lamp left of the door"),
    "boats": ((200, 20, 30), "seven boats in the evening"),
    "bread": ((30, 160, 60), "bread and cheese on a table"),
}
PAGES = {"a": ("lake", "lamp"), "b": ("bread",), "c": ("boats",)}

SCORER = '''
"""How red an image is."""
import numpy as np


class Red:
    def score_images(self, images):
        with open(__file__ + ".calls", "a") as calls:
            calls.write(f"{len(images)}\\n")
        means = [np.asarray(image).mean(axis=(0, 1)) / 255 for image in images]
        return [float(np.clip(mean[0] - max(mean[1:]), 0, 1)) for mean in means]


def make():
    return Red()
'''


def picture(seed, colour):
    """A picture mostly of one colour."""
    draw_from = random.Random(seed)
    image = Pil.new("RGB", (320, 240), colour)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = draw_from.randrange(280), draw_from.randrange(200)
        fill = tuple(draw_from.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + 40, y + 30), fill=fill)
    return image


def sentences(number):
    """Eight paragraphs without a word of their own twice."""
    draw = random.Random(number)
    words = WORDS.split()
    draw.shuffle(words)
    told = [f"{draw.choice(JOINTS)} {word}" for word in words]
    return "".join(f"<p>{' '.join(told[n::8]).capitalize()}.</p>" for n in range(8))


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """Three pages with four pictures, two of them red, and a scorer of red."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "site").mkdir()
    for seed, (name, (colour, _)) in enumerate(PICTURES.items()):
        picture(seed, colour).save(folder / "site" / f"{name}.jpg", quality=90)
    for number, (name, images) in enumerate(PAGES.items()):
        tags = "".join(f'<img src="{one}.jpg" alt="{PICTURES[one][1]}">' for one in images)
        body = f"<article><h1>Ferry {number}</h1>{sentences(number)}{tags}</article>"
        page = f"<html><title>T</title><body>{body}</body></html>"
        (folder / "site" / f"{name}.html").write_text(page)
    (folder / "scorer_of_red.py").write_text(SCORER)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("scorer_of_red", None)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("built") / "out"


RED = "unsafe.scorer=scorer_of_red:make"


def build(web, output, *settings):
    """The decisions of a build with some settings; finished stages are not run again."""
    given = ["--recipe", "m3w", "--set", 'corpora=["m3w", "align"]', "--offline"]
    given += [word for setting in settings for word in ("--set", setting)]
    given += ["--input", web / "site", "--output", output]
    assert main([str(word) for word in given]) == 0
    return decisions(output)


def decisions(output):
    tables = [pq.read_table(path) for path in sorted((output / "decisions").glob("*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]


def stage_of(output, name):
    stages = json.loads((output / "manifest.json").read_text())["stages"]
    return next((one for one in stages if one["name"] == name), None)


def named(rows, stage, *, kept):
    """The names of pages or pictures that a stage kept, or did not."""
    chosen = [row["url"] for row in rows if (row["stage"], row["kept"]) == (stage, kept)]
    return sorted(url.rpartition("/")[2].partition(".")[0] for url in chosen)


def shards(output):
    paths = [*output.glob("*/*.tar"), *output.glob("*/*.parquet")]
    kept = [path for path in paths if path.parent.name in ("m3w", "align")]
    return {path.name: path.read_bytes() for path in kept}


def calls(web):
    path = web / "scorer_of_red.py.calls"
    return sum(map(int, path.read_text().split())) if path.exists() else 0


@pytest.fixture(scope="module")
def plain(web, tmp_path_factory):
    """The output of a recipe that says nothing of unsafe images, and its decisions."""
    folder = tmp_path_factory.mktemp("plain") / "out"
    return folder, build(web, folder)


def test_without_a_scorer_the_table_changes_nothing(web, plain, tmp_path):
    folder, rows = plain
    settings = ("unsafe.scorer=none", "unsafe.policy=drop_document", "unsafe.max_score=0.1")
    assert build(web, tmp_path / "out", *settings) == rows
    assert shards(tmp_path / "out") == shards(folder)
    assert stage_of(folder, "unsafe") is None
    assert named(rows, "m3w", kept=True) == ["a", "b", "c"]
    assert "Unsafe" not in (folder / "README.md").read_text()


def test_drop_takes_out_the_image_and_its_pair(web, output):
    rows = build(web, output, RED, "unsafe.policy=drop")
    assert named(rows, "unsafe", kept=False) == ["boats", "lamp"]
    assert all(
        (row["reason"], row["limit"], row["detail"]) == ("unsafe", 0.5, "scorer_of_red:make")
        and 0.5 < row["value"] <= 1
        for row in rows
        if row["stage"] == "unsafe" and not row["kept"]
    )
    assert named(rows, "m3w", kept=True) == ["a", "b"]
    assert [row["reason"] for row in rows if row["stage"] == "m3w"].count("no_media") == 1
    assert named(rows, "align", kept=True) == ["bread", "lake"]
    counted = {"read": 4, "kept": 2, "rejected": {"unsafe": 2}, "flagged": {}}
    assert stage_of(output, "unsafe").items() >= counted.items()
    assert "| unsafe | image | unsafe | 2 | 0 |" in (output / "README.md").read_text()


def test_drop_document_takes_out_what_shows_it_too(web, output):
    rows = build(web, output, RED, "unsafe.policy=drop_document")
    assert named(rows, "m3w", kept=True) == ["b"]
    images = {row["url"]: row for row in rows if row["stage"] == "unsafe"}
    gone = [row for row in rows if row["stage"] == "m3w" and not row["kept"]]
    assert sorted(row["detail"].rpartition("/")[2] for row in gone) == ["boats.jpg", "lamp.jpg"]
    for row in gone:
        assert row["reason"] == "unsafe"
        assert row["eval_set"] is None
        assert (row["value"], row["limit"]) == (images[row["detail"]]["value"], 0.5)
    assert named(rows, "align", kept=True) == ["bread", "lake"]


def test_flag_keeps_all_says_so_and_shows_none(web, output, plain):
    rows = build(web, output, RED, "unsafe.policy=flag")
    flagged = [row for row in rows if row["stage"] == "unsafe" and row["reason"]]
    assert [(row["kept"], row["reason"]) for row in flagged] == [(True, "unsafe")] * 2
    assert shards(output) == shards(plain[0])
    counted = {"read": 4, "kept": 4, "rejected": {}, "flagged": {"unsafe": 2}}
    assert stage_of(output, "unsafe").items() >= counted.items()
    assert "| unsafe | image | unsafe | 0 | 2 |" in (output / "README.md").read_text()
    report = (output / "report" / "index.html").read_text()
    assert "2 kept, but flagged: unsafe" in report
    assert "this page shows none" in report
    assert "count differently" not in report
    pictures = (plain[0] / "report" / "index.html").read_text().count("data:image/jpeg")
    assert pictures == 8  # four in M3W, four in ALIGN
    assert report.count("data:image/jpeg") == 4


def test_another_limit_is_a_new_decision_on_the_scores_that_are_there(web, output, plain, capsys):
    assert calls(web) == 4  # each picture once, whatever was built since
    assert main(["--output", str(output), "--set", "unsafe.max_score=1.0"]) == 0
    assert "unsafe.max_score 0.5 -> 1.0" in capsys.readouterr().out
    assert calls(web) == 4
    assert stage_of(output, "unsafe")["flagged"] == {}
    given = ["--set", "unsafe.policy=drop", "--set", "unsafe.max_score=0.7"]
    assert main(["--output", str(output), *given]) == 0
    told = capsys.readouterr()
    assert "1 leave" in told.out
    kept = [line.split()[0] for line in told.err.splitlines() if "  kept  " in line]
    assert {"fetch", "decode", "unsafe_scores"} <= set(kept)
    assert calls(web) == 4
    assert named(decisions(output), "unsafe", kept=False) == ["lamp"]


def test_a_changed_scorer_scores_anew(web, output):
    path = web / "scorer_of_red.py"
    path.write_text(SCORER + "# changed\n")
    assert main(["--output", str(output), "--set", "unsafe.policy=flag"]) == 0
    assert calls(web) == 8


@pytest.mark.parametrize("name", ["sha256", "md5"])
def test_what_a_list_has_is_never_stored_decoded_or_shown(web, output, plain, name, tmp_path):
    body = (web / "site" / "lake.jpg").read_bytes()
    digest = hashlib.new(name, body).hexdigest()
    (tmp_path / "list.txt").write_text(f"# known\n{digest}\n")
    made = output if name == "sha256" else tmp_path / "out"
    rows = build(web, made, f'unsafe.hash_lists=["{tmp_path / "list.txt"}"]')
    (row,) = [row for row in rows if row["reason"] == "listed_hash"]
    assert (row["stage"], row["kind"], row["detail"]) == ("fetch", "image", f"{name} {digest}")
    assert named(rows, "fetch", kept=False) == ["lake"]
    assert named(rows, "align", kept=True) == ["boats", "bread", "lamp"]
    assert stage_of(made, "fetch")["rejected"] == {"listed_hash": 1}
    assert "| fetch | image | listed_hash | 1 | 0 |" in (made / "README.md").read_text()
    report = (made / "report" / "index.html").read_text()
    assert digest in report
    assert "lake.jpg" not in report
    if made != output:  # a new one: its bytes are in no file at all
        assert not any(body in path.read_bytes() for path in made.rglob("*") if path.is_file())


def test_a_listed_image_takes_its_documents_along_where_the_policy_says_so(web, output, tmp_path):
    body = (web / "site" / "lake.jpg").read_bytes()
    (tmp_path / "list.txt").write_text(hashlib.sha256(body).hexdigest())
    lists = f'unsafe.hash_lists=["{tmp_path / "list.txt"}"]'
    rows = build(web, output, lists, "unsafe.policy=drop_document")
    assert named(rows, "m3w", kept=False) == ["a"]
    (row,) = [row for row in rows if row["stage"] == "m3w" and not row["kept"]]
    assert row["reason"] == "listed_hash"
    assert row["detail"].endswith("lake.jpg")
    report = (output / "report" / "index.html").read_text()
    assert "lake.jpg" not in report
    assert "a.html" in report  # the document that went is named


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("unsafe.policy=hide", "policy must be drop, drop_document or flag, got hide"),
        ("unsafe.scorer=clip", 'unsafe.scorer = "clip" needs a model'),
        ("unsafe.scorer=no_such_module:make", "No module named 'no_such_module'"),
        ('unsafe.hash_lists=["/no/such/list"]', "the recipe names /no/such/list: No such file"),
        ('unsafe.hash_lists=["LIST"]', "line 2: not a SHA-256, SHA-1 or MD5 digest in hex: 'abc'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(
    web, tmp_path, capsys, setting, message
):
    (tmp_path / "list").write_text("# list\nabc\n")
    given = ["--recipe", "m3w", "--set", setting.replace("LIST", str(tmp_path / "list"))]
    given += ["--input", web / "site", "--output", tmp_path / "out"]
    assert main([str(word) for word in given]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "  s  " not in told


def test_clip_scores_from_the_embeddings_that_are_there(web, tmp_path, capsys):
    pytest.importorskip("open_clip")
    prompts = 'unsafe.unsafe_prompts=["a red thing"]', 'unsafe.safe_prompts=["a blue thing"]'
    settings = ("clip.model=embedded", "unsafe.scorer=clip", "unsafe.policy=flag", *prompts)
    build(web, tmp_path / "out", *settings, "unsafe.max_score=0.0")
    rows = [row for row in decisions(tmp_path / "out") if row["stage"] == "unsafe"]
    assert len(rows) == 4
    assert all((row["reason"] == "unsafe") == (row["value"] > 0) for row in rows)
    assert len({row["value"] for row in rows}) > 1
    first = {row["url"]: row["value"] for row in rows}
    capsys.readouterr()
    swapped = 'unsafe.unsafe_prompts=["a blue thing"]', 'unsafe.safe_prompts=["a red thing"]'
    build(web, tmp_path / "out", *settings, "unsafe.max_score=0.0", *swapped)
    kept = [line.split()[0] for line in capsys.readouterr().err.splitlines() if "  kept  " in line]
    assert "embed" in kept
    assert "unsafe_scores" not in kept
    for row in decisions(tmp_path / "out"):
        if row["stage"] == "unsafe":
            assert row["value"] == pytest.approx(1 - first[row["url"]], abs=2e-6)
