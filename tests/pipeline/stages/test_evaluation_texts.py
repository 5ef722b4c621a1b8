"""Documents and pairs that hold a benchmark's text go, or are flagged, with set, id and share."""

import gzip
import json
import random

import pyarrow.parquet as pq
import pytest

from dedup.evaluation_file import EvaluationFile
from dedup.evaluation_texts import EvaluationText, EvaluationTextLimits, TextIndex, TextMatch
from dedup.index import EvaluationIndex
from pipeline.build import main
from pipeline.stages.evaluation_texts import (
    DOCUMENT_TEXTS,
    PAIR_TEXTS,
    decide_text,
    first_text,
    load_texts,
    text_of,
)
from schemas.records import Document, PairLink, Role, TextBlock

QUESTION = "What is the small brown dog in the red coat waiting for beside the old green door?"
CAPTION = "Two grey donkeys carry heavy sacks across a stone bridge"
TEXTS = [
    EvaluationText("okvqa", "val/7", QUESTION),
    EvaluationText("coco", "test/9", CAPTION),
    EvaluationText("coco", "test/9", "Donkeys."),
]
LIMITS = EvaluationTextLimits()
NOTHING = EvaluationIndex.build([])


def document(*paragraphs: str) -> Document:
    blocks = tuple(TextBlock(text, Role.PARAGRAPH) for text in paragraphs)
    return Document("k", "http://a/1", "Title", blocks)


def index_of(*texts: EvaluationText) -> TextIndex:
    return TextIndex.build(texts)


PAIR = PairLink("p", "align", "image", "http://a/i.jpg", "http://a/1", CAPTION, "alt")


def test_the_text_of_a_page_and_of_a_pair() -> None:
    assert CAPTION in text_of(document("before", CAPTION))
    assert text_of(PAIR) == CAPTION


def test_the_most_contained_of_all_indexes_counts() -> None:
    indexes = [index_of(TEXTS[0]), index_of(TEXTS[1])]
    assert first_text(f"see {CAPTION}", indexes, 0.5) == TextMatch("coco", "test/9", 1.0)
    assert first_text(f"{CAPTION} {QUESTION}", indexes, 0.5).eval_set == "coco"
    assert first_text("nothing of it", indexes, 0.01) is None
    assert first_text(CAPTION, [], 0.01) is None


def test_a_match_is_dropped_or_flagged() -> None:
    match = TextMatch("coco", "test/9", 0.75)
    told = []
    for policy in ("drop", "flag"):
        row = decide_text(PAIR, PAIR_TEXTS, match, EvaluationTextLimits(policy=policy))
        told.append(row.kept)
        assert (row.stage, row.kind, row.key) == ("eval_pair_texts", "pair", "p")
        assert (row.reason, row.value, row.limit) == ("evaluation_text", 0.75, 0.5)
        assert (row.eval_set, row.eval_id) == ("coco", "test/9")
    assert told == [False, True]
    row = decide_text(document("x"), DOCUMENT_TEXTS, None, LIMITS)
    assert (row.kept, row.kind, row.reason, row.eval_set) == (True, "document", None, None)


def test_only_indexes_with_texts_are_held() -> None:
    files = {
        "a": EvaluationFile.of(NOTHING, TEXTS).encode(),
        "b": EvaluationFile.of(NOTHING, []).encode(),
    }
    (held,) = load_texts(("b", "a"), files.__getitem__)
    assert held.sets == {"coco": 1, "okvqa": 1}
    assert held.short == {"coco": 1}


# In a build

HEAD = (
    b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/%d\r\n"
    b"Content-Type: application/http; msgtype=response\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
    b"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
    b"Content-Length: %d\r\n\r\n"
)
WORDS = (
    "ferry lake apple box door dog coat stone bridge sack morning evening harbour village market "
    "window garden letter river mountain child doctor baker teacher sailor painter bread cheese "
    "kettle basket lantern ladder blanket mirror candle carpet bottle hammer needle orchard meadow"
)
JOINTS = ["the", "of the", "and a", "with that", "to be a", "have", "that the", "and the", "of a"]


def sentences(number: int) -> list[str]:
    """Eight sentences without a word of their own twice."""
    draw = random.Random(number)
    words = WORDS.split()
    draw.shuffle(words)
    told = [f"{draw.choice(JOINTS)} {word}" for word in words]
    return [" ".join(told[n::8]).capitalize() + "." for n in range(8)]


def page(number: int, text: str, alt: str) -> bytes:
    said = "".join(f"<p>{sentence}</p>" for sentence in sentences(number))
    body = (
        f"<html><title>T</title><body><article><h1>Ferry {number}</h1>{said}<p>{text}</p>"
        f'<img src="/{number}.jpg" alt="{alt}"></article></body></html>'
    ).encode()
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
    content = http % (len(body), body)
    return gzip.compress(HEAD % (number, len(content)) + content + b"\r\n\r\n", mtime=0)


def decisions_of(output) -> list[dict]:
    stages = ("eval_texts", "eval_pair_texts")
    rows = [
        row
        for path in sorted((output / "decisions").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    return [row for row in rows if row["stage"] in stages and row["eval_set"]]


@pytest.mark.beam
def test_a_build_takes_them_out_before_it_fetches_and_says_so(tmp_path, capsys) -> None:
    alts = ["a ferry on the lake at noon", CAPTION, "apples in a box on a ferry"]
    pages = [page(n, QUESTION if n == 2 else "That is all.", alt) for n, alt in enumerate(alts)]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(pages))
    EvaluationFile.of(NOTHING, TEXTS).save(tmp_path / "e.index")
    output = tmp_path / "out"
    given = ["--recipe", "m3w", "--set", 'corpora=["m3w", "align"]', "--offline"]
    given += ["--input", tmp_path / "a.warc.gz", "--eval-index", tmp_path / "e.index"]
    arguments = [str(word) for word in [*given, "--output", output]]
    assert main(arguments) == 0
    stages = {
        one["name"]: one for one in json.loads((output / "manifest.json").read_text())["stages"]
    }
    for name in ("eval_texts", "eval_pair_texts"):
        assert (stages[name]["read"], stages[name]["kept"]) == (3, 2)
        assert stages[name]["rejected"] == {"evaluation_text": 1}
    assert stages["fetch"]["read"] == 3  # the page that went and the pair that went: an image each
    found = {row["url"]: row for row in decisions_of(output)}
    assert {url: (row["eval_set"], row["eval_id"]) for url, row in found.items()} == {
        "http://a.example/2": ("okvqa", "val/7"),
        "http://a.example/1.jpg": ("coco", "test/9"),
    }
    assert all(
        (row["value"], row["limit"], row["kept"]) == (1.0, 0.5, False) for row in found.values()
    )
    report = (output / "report" / "index.html").read_text()
    assert "Taken out by evaluation set: coco: 1; okvqa: 1." in report
    assert "n-grams, of at least 0.5" in report
    assert main([*arguments, "--set", "evaluation_text.policy=flag"]) == 0
    assert {row["kept"] for row in decisions_of(output)} == {True}
    stages = json.loads((output / "manifest.json").read_text())["stages"]
    counts = {one["name"]: (one["read"], one["kept"], one["rejected"]) for one in stages}
    assert counts["eval_texts"] == counts["eval_pair_texts"] == (3, 3, {})
    report = (output / "report" / "index.html").read_text()
    assert "Kept, but flagged: coco: 1; okvqa: 1." in report
    assert "n-grams, of at least 0.5" in report
    assert "Taken out by evaluation set" not in report
    assert "count differently" not in report
    capsys.readouterr()
