import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.batches import Batch, BatchReader, Drawing, example_of
from model.pixels import Canvas
from model.reader import CorpusError, Position, Sample, Shards
from model.recipe import CorpusRecipe, TrainRecipe
from model.windows import Vocabulary
from schemas.rejection import BadInput, Reason

WORDS = Vocabulary(eoc=1000, image=1001, bos=1, eos=2)
Reader = Callable[..., BatchReader]


def encode(text: str) -> list[int]:
    return [10 + sum(map(ord, word)) % 900 for word in text.split()]


@pytest.fixture
def drawing(toy_recipe: TrainRecipe) -> Drawing:
    canvas = Canvas(32, (0.5, 0.5, 0.5))
    return Drawing(toy_recipe.window, toy_recipe.pixels, canvas, encode, WORDS, seed=7)


@pytest.fixture
def open_reader(drawing: Drawing) -> Iterator[Reader]:
    opened: list[BatchReader] = []

    def open_one(corpus: str, pattern: str, batch: int = 3, **given: object) -> BatchReader:
        recipe = CorpusRecipe(batch, 1.0, 48 if corpus == "m3w" else 16)
        opened.append(BatchReader(corpus, pattern, recipe, drawing, **given))
        return opened[-1]

    yield open_one
    for reader in opened:
        reader.close()


def same(one: Batch, two: Batch) -> bool:
    arrays = [
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one.passes, two.passes, strict=True)
        for name in a.__slots__
    ]
    return all(arrays) and one.after == two.after


@pytest.mark.parametrize("corpus", ["m3w", "align", "ltip", "vtp"])
def test_a_batch_depends_on_its_position_alone(
    corpus: str, toy_data: dict[str, str], open_reader: Reader
) -> None:
    one = open_reader(corpus, toy_data[corpus], threads=1)
    two = open_reader(corpus, toy_data[corpus], threads=4)
    first = one.batch_at(Position())
    second = one.batch_at(first.after)
    assert same(two.batch_at(first.after), second)  # without the first one
    assert same(two.batch_at(Position()), first)
    assert first.samples == 3


def test_every_image_of_a_batch_has_its_token(
    toy_data: dict[str, str], open_reader: Reader
) -> None:
    batch = open_reader("m3w", toy_data["m3w"], batch=8).batch_at(Position())
    rows = batch.passes[0]
    assert len(rows.frames_I) == np.count_nonzero(rows.tokens_BL == WORDS.image) > 0
    assert rows.pixels_FHWC.shape[1:] == (32, 32, 3)


def test_a_batch_in_pieces_has_the_same_examples(
    toy_data: dict[str, str], open_reader: Reader
) -> None:
    whole = open_reader("align", toy_data["align"], batch=16).batch_at(Position())
    pieces = open_reader("align", toy_data["align"], batch=16, rows_per_pass=1)
    parts = pieces.batch_at(Position())
    assert len(whole.passes) == 1 < len(parts.passes)
    assert sum(rows.tokens for rows in parts.passes) == whole.passes[0].tokens
    assert parts.labels == whole.labels
    pixels = np.concatenate([rows.pixels_FHWC for rows in parts.passes])
    assert np.array_equal(pixels, whole.passes[0].pixels_FHWC)


def test_videos_come_as_frames(toy_data: dict[str, str], open_reader: Reader) -> None:
    rows = open_reader("vtp", toy_data["vtp"]).batch_at(Position()).passes[0]
    assert rows.frames_I.tolist() == [4, 4, 4]  # two seconds at two frames a second


def test_flips_are_drawn_for_each_image(toy_data: dict[str, str], open_reader: Reader) -> None:
    """A batch of one picture that is not its own mirror image holds both."""
    reader = open_reader("align", toy_data["align"], batch=64)
    from model.pixels import draw_change

    changes = []
    for index in range(64):
        sample = reader.shards.read(*reader.order.at(Position(index // 16, index % 16)))
        import random

        from schemas.keys import seed_of

        rng = random.Random(seed_of(7, "align", str(index // 16), sample.key))
        rng.random()
        changes.append(draw_change(reader.drawing.pixels, rng).flip)
    assert 16 < sum(changes) < 48


def test_epochs_draw_anew(toy_data: dict[str, str], open_reader: Reader) -> None:
    reader = open_reader("m3w", toy_data["m3w"], batch=16)
    one, two = reader.batch_at(Position(0, 0)), reader.batch_at(Position(1, 0))
    assert not same(one, two)


def page(parts: list[dict[str, object]], **members: bytes) -> Sample:
    body = json.dumps({"schema": "m3w/1", "parts": parts}).encode()
    return Sample("k", {"json": body, **members})


TEXT = {"kind": "text", "text": "a page of words"}
IMAGE = {"kind": "image", "file": "k.0.jpg"}


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (page([TEXT]), Reason.NO_MEDIA),
        (page([IMAGE]), Reason.NO_TEXT),
        (page([TEXT, IMAGE, TEXT]), Reason.DAMAGED_RECORD),  # no such member
        (page([TEXT, IMAGE, TEXT], **{"0.jpg": b"broken"}), Reason.UNDECODABLE),
        (page([{"kind": "text"}]), Reason.DAMAGED_RECORD),
        (Sample("k", {"json": b"{"}), Reason.DAMAGED_RECORD),
        (Sample("k", {"json": b'{"schema": "other/9", "parts": []}'}), Reason.DAMAGED_RECORD),
        (Sample("k", {"json": b"[]"}), Reason.DAMAGED_RECORD),
        (Sample("k", {"0.jpg": b""}), Reason.DAMAGED_RECORD),
    ],
)
def test_a_page_that_cannot_be_used_has_a_reason(
    sample: Sample, reason: Reason, drawing: Drawing
) -> None:
    with pytest.raises(BadInput) as caught:
        example_of("m3w", sample, 0, CorpusRecipe(1, 1.0, 48), drawing)
    assert caught.value.why.reason is reason


@pytest.mark.parametrize(
    ("corpus", "members", "reason"),
    [
        ("align", {"txt": b"words"}, Reason.DAMAGED_RECORD),
        ("align", {"jpg": b"x"}, Reason.DAMAGED_RECORD),
        ("align", {"jpg": b"x", "txt": b"  "}, Reason.NO_TEXT),
        ("ltip", {"jpg": b"x", "txt": b"words"}, Reason.UNDECODABLE),
        ("vtp", {"mp4": b"x", "txt": b"words"}, Reason.UNDECODABLE),
    ],
)
def test_a_pair_that_cannot_be_used_has_a_reason(
    corpus: str, members: dict[str, bytes], reason: Reason, drawing: Drawing
) -> None:
    with pytest.raises(BadInput) as caught:
        example_of(corpus, Sample("k", members), 0, CorpusRecipe(1, 1.0, 16), drawing)
    assert caught.value.why.reason is reason


MakeTar = Callable[[Path, list[tuple[str, bytes]]], Path]
MakePage = Callable[..., list[tuple[str, bytes]]]


def test_unusable_samples_are_counted_and_others_take_their_place(
    tmp_path: Path, make_tar: MakeTar, make_page: MakePage, open_reader: Reader
) -> None:
    good = [make_page(f"g{n}", ["words", (9, 9, 9), "words"]) for n in range(4)]
    bad = [[(f"b{n}.json", b"{")] for n in range(2)] + [make_page("c0", ["words only"])]
    make_tar(tmp_path / "x.tar", [member for sample in good + bad for member in sample])
    reader = open_reader("m3w", str(tmp_path / "x.tar"), batch=4)
    position, skipped = Position(), 0
    for _ in range(7):  # four epochs
        batch = reader.batch_at(position)
        assert batch.samples == 4
        skipped += sum(batch.skipped.values())
        position = batch.after
    assert skipped == position.epoch * 7 + position.index - 28
    assert set(batch.skipped) <= {Reason.DAMAGED_RECORD, Reason.NO_MEDIA}


def test_only_unusable_samples_stop_the_run(
    tmp_path: Path, make_tar: MakeTar, open_reader: Reader
) -> None:
    make_tar(tmp_path / "x.tar", [("a.txt", b""), ("a.jpg", b""), ("b.txt", b""), ("b.jpg", b"")])
    reader = open_reader("align", str(tmp_path / "x.tar"))
    with pytest.raises(CorpusError, match=r"x\.tar: no usable sample"):
        reader.batch_at(Position())


def test_pairs_as_img2dataset_writes_them_are_read(
    tmp_path: Path, make_tar: MakeTar, toy_data: dict[str, str], open_reader: Reader
) -> None:
    """Its keys are numbers; its table and its statistics lie beside the tar."""
    pictures = [
        Shards(toy_data["align"]).read(0, n).members["jpg"] for n in (0, 1)
    ]  # of different colours
    members = []
    for n in range(4):
        key = f"00000000{n}"
        about = {"caption": f"picture {n}", "url": "http://example.org/", "key": key}
        about |= {"status": "success", "error_message": None, "width": 48, "height": 32}
        members += [(f"{key}.jpg", pictures[n % 2]), (f"{key}.json", json.dumps(about).encode())]
        members += [(f"{key}.txt", f"picture {n}".encode())]
    make_tar(tmp_path / "00000.tar", members)
    columns = {"caption": ["picture 0"], "key": ["000000000"], "status": ["success"]}
    pq.write_table(pa.table(columns), tmp_path / "00000.parquet")
    (tmp_path / "00000_stats.json").write_text('{"count": 4, "successes": 4}')
    batch = open_reader("align", str(tmp_path / "*.tar"), batch=4).batch_at(Position())
    rows = batch.passes[0]
    assert batch.samples == 4
    assert not batch.skipped
    flat = rows.tokens_BL.ravel().tolist()
    numbers = {encode(f"{n}")[0]: n for n in range(4)}
    said = [numbers[token] for token in flat if token in numbers]
    assert sorted(said) == [0, 1, 2, 3]
    even = {
        n % 2: frame.mean((0, 1)).argmax() for n, frame in zip(said, rows.pixels_FHWC, strict=True)
    }
    for n, frame in zip(said, rows.pixels_FHWC, strict=True):
        assert frame.mean((0, 1)).argmax() == even[n % 2]
    assert even[0] != even[1]


def test_pages_keep_to_their_window(toy_data: dict[str, str], open_reader: Reader) -> None:
    reader = open_reader("m3w", toy_data["m3w"], batch=16)
    reader.drawing = replace(reader.drawing, window=replace(reader.drawing.window, packed=False))
    rows = reader.batch_at(Position()).passes[0]
    assert rows.tokens_BL.shape[0] == 16
    assert rows.tokens_BL.shape[1] <= 48
    assert rows.documents_BL.max() == 0


def test_importing_the_batches_leaves_beam_and_torch_alone() -> None:
    code = "import sys, model.batches; print(sorted({'apache_beam', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
