"""Documents a CPU second through Gopher's rules: ours and datatrove's, in one run.

    python tests/benchmarks/text_filters.py

Goal: at least 5 times as many, with the same decisions. The peer is datatrove's own
GopherQualityFilter and GopherRepetitionFilter, installed into a folder of their own in the user's
cache (`--peer` names another). Both get the texts that our extraction gives of the real pages in
M3W_SHARED, or of the made-up web where these are absent; each is timed in a process of its own, in
turn, and the medians are compared. Every decision that differs is printed with both reasons, first
with `marks_are_words = true`, which is timed, then under the default setting, which counts marks as
no words on purpose (docs/decisions/0003-words-are-words.md).
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from peers import CACHE, install_peer
from shared_inputs import SHARED

PEER = "datatrove==0.10.*"
NEEDS = ["spacy>=3.8,<4", "nltk>=3.9", "regex"]
HOME = Path(__file__).resolve().parents[2]

# Run by the peer's Python: documents on stdin, [reason of quality, reason of repetition] a line.
PEERS_CODE = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
filters = GopherQualityFilter(), GopherRepetitionFilter()
documents = [Document(text=json.loads(line), id="") for line in sys.stdin]
for one in filters:
    one.filter(Document(text="warm up " * 60, id=""))
start = time.process_time()
answers = [[one.filter(document) for one in filters] for document in documents]
seconds = time.process_time() - start
reasons = [[None if a is True else a[1] for a in pair] for pair in answers]
print(json.dumps({"seconds": seconds, "reasons": reasons}))
"""
OUR_CODE = """
import json, sys, time
from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from pipeline.filters.words import split_words
limits = GopherLimits(marks_are_words=MARKS)
texts = [json.loads(line) for line in sys.stdin]
start = time.process_time()
answers = []
for text in texts:
    words = split_words(text)
    answers.append((judge_quality(text, limits, words), judge_repetition(text, limits, words)))
seconds = time.process_time() - start
shown = [[a and f"{a.reason} {a.value} (limit {a.limit})" for a in pair] for pair in answers]
print(json.dumps({"seconds": seconds, "reasons": shown}))
"""


def real_pages(data: Path) -> Iterator[tuple[str, bytes]]:
    """Name and HTML of each page of the two sets with whole pages."""
    for folder in ("pages-wcxb", "pages-aeb"):
        for pack in sorted((data / folder).glob("*.tar.xz")):
            with tarfile.open(pack) as tar:
                for member in tar:
                    content = tar.extractfile(member)
                    if content is None or ".html" not in member.name:
                        continue
                    body = content.read()
                    name = f"{folder}/{Path(member.name).name.split('.')[0][:16]}"
                    yield name, gzip.decompress(body) if member.name.endswith(".gz") else body


def made_up_pages(number: int) -> Iterator[tuple[str, bytes]]:
    """Name and HTML of each page of a made-up web."""
    from pipeline.extract.limits import ReadLimits
    from pipeline.extract.warc import read_warc
    from pipeline.sample_web.__main__ import main as sample_web
    from schemas.records import Page

    with tempfile.TemporaryDirectory() as folder:
        sample_web(["--output", folder, "--pages", str(number), "--seed", "1"])
        for found in read_warc(f"{folder}/web.warc.gz", ReadLimits()):
            if isinstance(found, Page):
                yield found.url, found.body


def read_texts(pages: Iterator[tuple[str, bytes]]) -> dict[str, str]:
    """The text of each page by its name, as the build's text filters get it."""
    from pipeline.extract.document import extract_document
    from pipeline.filters.document import document_text
    from schemas.records import Page
    from schemas.rejection import BadInput

    texts = {}
    for name, body in pages:
        try:
            texts[name] = document_text(extract_document(Page(name, "http://host/", body)))
        except BadInput:
            continue
    return texts


def run(python: str, code: str, texts: dict[str, str]) -> dict:
    """What a program prints of the texts: its CPU seconds and its reasons."""
    lines = "".join(json.dumps(text) + "\n" for text in texts.values())
    done = subprocess.run(
        [python, "-c", code], input=lines, capture_output=True, text=True, check=True, cwd=HOME
    )
    return json.loads(done.stdout.splitlines()[-1])


def our_code(*, marks: bool) -> str:
    """Our program, with marks counted as words or not."""
    return OUR_CODE.replace("MARKS", str(marks))


def print_agreement(texts: dict[str, str], theirs: list, ours: list) -> int:
    """The number of documents that only one of the two keeps, each printed with its reasons."""
    differing = 0
    agreed: Counter[str] = Counter()
    for name, their, our in zip(texts, theirs, ours, strict=True):
        kept = [reasons == [None, None] for reasons in (their, our)]
        agreed["kept by both" if all(kept) else "dropped by both"] += kept[0] == kept[1]
        for rule, a, b in zip(("quality", "repetition"), their, our, strict=True):
            if (a is None) != (b is None):
                differing += 1
                print(f"differs: {name}: {rule}: datatrove {a}, ours {b}")
    print(f"{agreed['kept by both']} kept by both, {agreed['dropped by both']} dropped by both, ")
    print(f"{differing} verdicts of {2 * len(texts)} differ")
    return differing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peer", type=Path, default=CACHE / "datatrove", help="folder of the peer's venv"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=150, help="of the made-up web")
    options = parser.parse_args()
    python = install_peer(options.peer, PEER, *NEEDS)
    started = time.process_time()
    texts = read_texts(real_pages(SHARED / "data")) or read_texts(made_up_pages(options.pages))
    print(f"{len(texts)} documents, {sum(map(len, texts.values())) / 1e6:.2f} M characters", end="")
    print(f" (extracted in {time.process_time() - started:.0f} CPU s)")
    rounds = [
        (run(python, PEERS_CODE, texts), run(sys.executable, our_code(marks=True), texts))
        for _ in range(options.rounds)
    ]
    rates = [
        statistics.median(len(texts) / done[side]["seconds"] for done in rounds) for side in (0, 1)
    ]
    ratios = sorted(their["seconds"] / our["seconds"] for their, our in rounds)
    print(f"{'':>12} {'documents/CPU s':>16}")
    print(f"{'datatrove':>12} {rates[0]:>16.1f}")
    print(f"{'ours':>12} {rates[1]:>16.1f}")
    print(f"ratio {statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})")
    theirs = rounds[-1][0]["reasons"]
    print_agreement(texts, theirs, rounds[-1][1]["reasons"])
    print("\nunder the default setting, marks_are_words = false:")
    print_agreement(texts, theirs, run(sys.executable, our_code(marks=False), texts)["reasons"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
