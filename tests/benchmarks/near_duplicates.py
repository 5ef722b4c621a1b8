"""Near-duplicate documents: signatures beside datatrove's, what is found by Jaccard, and the cost.

    python tests/benchmarks/near_duplicates.py [--signatures] [--found] [--groups]
        [--cost 10000 50000 200000]

--signatures: MinHash signatures a CPU second, tokenisation included, of 20 x 6 minima over 5-grams
of words; datatrove's MinhashDedupSignature in a virtual environment of its own, in the same run, as
it is and with the words cut at spaces. Goal: 5 times as many. --found: pairs of generated documents
at Jaccard 0.5 to 0.95, in a Beam pipeline; in another order and on two workers the same documents
must go, each to the same one. --groups: pages that drift from day to day, pages of which each
differs from each, and one group of thousands: what stays, how alike a page that goes is to the one
that its decision names, and how many pairs that stay are alike all the same. --cost: CPU seconds
a document of the whole stage, by the number of generated documents.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from peers import CACHE, install_peer

HOME = Path(__file__).resolve().parents[2]
PEER = ("datatrove==0.10.*", "spacy>=3.8,<4", "nltk>=3.9", "regex", "tokenizers", "xxhash==3.5.*")
LEVELS = [level / 100 for level in range(50, 100, 5)]
NGRAM = 5

PEERS_CODE = """
import json, sys, time
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
config = MinhashConfig(n_grams=5, num_buckets=20, hashes_per_bucket=6)
step = MinhashDedupSignature(output_folder="/tmp/unused", config=config, language="eng")
texts = [json.loads(line) for line in sys.stdin]
step.get_signature(step.get_shingles("warm up " * 60))
if sys.argv[1:] == ["split"]:
    step.word_tokenizer.word_tokenize = str.split
start = time.process_time()
for text in texts:
    step.get_signature(step.get_shingles(text))
print(time.process_time() - start)
"""
OUR_CODE = """
import json, sys, time
from dedup.minhash import bands, signatures
texts = [json.loads(line) for line in sys.stdin]
signatures(["warm up " * 60])
start = time.process_time()
for first in range(0, len(texts), 64):
    for row in signatures(texts[first : first + 64]):
        bands(row)
print(time.process_time() - start)
"""


def words(rng: random.Random, number: int) -> list[str]:
    return [f"w{rng.randrange(20_000)}" for _ in range(number)]


def pair_at(rng: random.Random, level: float, length: int = 400) -> tuple[str, str]:
    """Two texts whose 5-grams have about that Jaccard: some single words are others."""
    text = words(rng, length)
    grams = length - NGRAM + 1
    common = 2 * grams * level / (1 + level)
    changed = list(text)
    places = range(NGRAM, length - NGRAM, NGRAM)
    for place in rng.sample(places, min(len(places), round((grams - common) / NGRAM))):
        changed[place] = f"other{rng.randrange(10**9)}"
    return " ".join(text), " ".join(changed)


def run(python: str, code: str, texts: list[str], *given: str) -> float:
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run(
        [python, "-c", code, *given],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,
    )
    return float(done.stdout.splitlines()[-1])


def compare_signatures(documents: int, rounds: int) -> None:
    python = install_peer(CACHE / "datatrove-minhash", *PEER)
    rng = random.Random(0)
    texts = [" ".join(words(rng, rng.randrange(100, 1500))) for _ in range(documents)]
    programs = {
        "datatrove": (python, PEERS_CODE),
        "datatrove, words cut at spaces": (python, PEERS_CODE, "split"),
        "ours": (sys.executable, OUR_CODE),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (program, code, *given) in programs.items():
            seconds[name].append(run(program, code, texts, *given))
    ours = statistics.median(seconds["ours"])
    print(f"{documents} documents of 100 to 1,500 words, signatures a CPU second:")
    for name, rows in seconds.items():
        middle = statistics.median(rows)
        print(f"  {name:32} {documents / middle:8.0f}   ours to it {middle / ours:6.1f}")


def losers(documents: list, workers: int) -> dict[str, tuple[str, float]]:
    """What the stage drops: URL to the URL that stays and the Jaccard, on so many processes."""
    import tempfile

    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from dedup.minhash import MinhashLimits
    from pipeline.stages.duplicates import DropNearDuplicates

    flags = ["--runner=FnApiRunner"]
    if workers > 1:
        flags += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    with tempfile.TemporaryDirectory() as folder:
        with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
            out = pipeline | beam.Create(documents) | DropNearDuplicates(MinhashLimits())
            gone = out.decisions | beam.Filter(lambda one: not one.kept)
            rows = gone | beam.Map(lambda d: json.dumps((d.url, d.copy_of_url, d.value)))
            rows | beam.io.WriteToText(f"{folder}/gone")
        files = Path(folder).glob("gone*")
        rows = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return {url: (instead, value) for url, instead, value in rows}


def document(url: str, text: str, fetched_at: str = ""):
    from schemas.keys import make_key
    from schemas.records import Document, Role, TextBlock

    block = TextBlock(text, Role.PARAGRAPH)
    return Document(make_key(url), url, "", (block,), "en", fetched_at)


def find_injected(pairs_a_level: int) -> None:
    from dedup.minhash import jaccard, shingle

    rng = random.Random(1)
    documents, told = [], {}
    for level in LEVELS:
        for number in range(pairs_a_level):
            first, second = pair_at(rng, level)
            name = f"http://h/{level:.2f}/{number}"
            documents += [document(name + "/old", first), document(name + "/new", second, "2026")]
            told[name] = level, jaccard(shingle(first), shingle(second))
    gone = losers(documents, workers=1)
    shuffled = rng.sample(documents, len(documents))
    again, on_two = losers(shuffled, workers=1), losers(documents, workers=2)
    print(f"{len(documents)} documents; another order: {'same' if gone == again else 'OTHER'}; ")
    print(f"two workers: {'same' if gone == on_two else 'OTHER'}")
    found, real = Counter(), Counter()
    for name, (level, measured) in told.items():
        real[level] += measured
        found[level] += sum(name + end in gone for end in ("/old", "/new"))
    for level in LEVELS:
        mean = real[level] / pairs_a_level
        print(
            f"  Jaccard {level:.2f} (mean {mean:.3f}): {found[level] / pairs_a_level:.3f} removed"
        )


def drift(rng: random.Random, days: int, step: int = 12) -> list[str]:
    """Texts of 400 words of which each has lost `step` words of the one before and won others."""
    text = words(rng, 400 + step * days)
    return [" ".join(text[step * day : step * day + 400]) for day in range(days)]


def template(rng: random.Random, pages: int, own: int) -> list[str]:
    """Texts of 400 words, `own` in a row at one of forty places another in each."""
    text = words(rng, 400)
    made = []
    for _ in range(pages):
        at = rng.randrange(40) * 10
        made.append(" ".join([*text[:at], *words(rng, own), *text[at + own :]]))
    return made


def measure_groups() -> None:
    from dedup.minhash import jaccard, shingle

    rng = random.Random(2)
    kinds = {
        "50 pages that drift over 40 days": [drift(rng, 40) for _ in range(50)],
        "100 groups of 20, each about .82 to each": [template(rng, 20, 18) for _ in range(100)],
        "20 groups of 100, each about .82 to each": [template(rng, 100, 18) for _ in range(20)],
        "20 groups of 100, each about .95 to each": [template(rng, 100, 3) for _ in range(20)],
        "one group of 3,000, each about .95 to each": [template(rng, 3000, 3)],
    }
    for kind, groups in kinds.items():
        documents, texts = [], {}
        for number, group in enumerate(groups):
            for member, text in enumerate(group):
                url = f"http://h/{number}/{member}"
                texts[url] = text
                documents.append(document(url, text, f"{rng.randrange(10**6):06d}"))
        before = time.process_time()
        gone = losers(documents, workers=1)
        seconds = time.process_time() - before
        again = losers(rng.sample(documents, len(documents)), workers=1)
        content = {url: shingle(text) for url, text in texts.items()}
        named = [jaccard(content[url], content[stays]) for url, (stays, _) in gone.items()]
        left = still = 0
        for number, group in enumerate(groups):
            stay = [url for k in range(len(group)) if (url := f"http://h/{number}/{k}") not in gone]
            left += len(stay)
            still += sum(
                jaccard(content[a], content[b]) >= 0.8 for k, a in enumerate(stay) for b in stay[:k]
            )
        order = "same" if again == gone else "OTHER"
        to_gone = sum(stays in gone for stays, _ in gone.values())
        print(
            f"{kind}: {left} of {len(documents)} stay; least Jaccard with the page named "
            f"{min(named, default=1):.3f}, {to_gone} name one that goes; {still} pairs that stay are "
            f"alike; another order: {order}; {1e3 * seconds / len(documents):.1f} CPU ms each"
        )


def measure_cost(sizes: list[int]) -> None:
    for size in sizes:
        rng = random.Random(size)
        documents = []
        while len(documents) < size:
            first, second = pair_at(rng, 0.9, 120)
            kept = [first, second] if rng.random() < 0.1 else [first]
            for text in kept:
                documents.append(document(f"http://h/{len(documents)}", text))
        before = time.process_time()
        gone = losers(documents[:size], workers=1)
        cost = (time.process_time() - before) / size
        print(f"{size:>8} documents of 120 words: {1e3 * cost:.2f} CPU ms each, {len(gone)} gone")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", action="store_true")
    parser.add_argument("--found", action="store_true")
    parser.add_argument("--groups", action="store_true")
    parser.add_argument("--cost", type=int, nargs="*", default=[], metavar="DOCUMENTS")
    parser.add_argument("--documents", type=int, default=1000, help="of the signatures")
    parser.add_argument("--pairs", type=int, default=200, help="at each Jaccard")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.signatures:
        compare_signatures(options.documents, options.rounds)
    if options.found:
        find_injected(options.pairs)
    if options.groups:
        measure_groups()
    measure_cost(options.cost)
    return 0


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(HOME)
    sys.path.insert(0, str(HOME))
    sys.exit(main())
