"""Evaluation texts in real pages: all injected ones found, no page taken for one that holds any.

    PYTHONPATH=. python tests/benchmarks/evaluation_texts.py

The captions of the photos in M3W_SHARED are the evaluation set, the texts that our extraction gives
of its real pages the corpus. A caption is put at a random place of a random page and must be found;
the pages as they are must match nothing. CPU time stands beside that of the MinHash signatures of
the same texts, which a build makes anyway: for the captions alone, and among made-up texts.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from shared_inputs import SHARED
from text_filters import read_texts, real_pages

from dedup.evaluation_texts import (
    FEWEST_WORDS,
    EvaluationText,
    EvaluationTextLimits,
    TextIndex,
)
from dedup.minhash import signatures, word_count

LEAST = EvaluationTextLimits().containment


def captions() -> list[EvaluationText]:
    """The captions of both sets of photos."""
    found = []
    for name in ("pairs-coco-mini", "pairs-flickr8k"):
        for line in (SHARED / "data" / name / "captions.jsonl").open():
            photo = json.loads(line)
            found += [EvaluationText(name, photo["image"], text) for text in photo["captions"]]
    return found


def made_up(number: int, words: list[str], rng: random.Random) -> list[EvaluationText]:
    """Texts of twelve words drawn by lot."""
    return [
        EvaluationText("made-up", str(n), " ".join(rng.choices(words, k=12))) for n in range(number)
    ]


def injected(page: str, text: str, rng: random.Random) -> str:
    """A page's text with another one at a random place."""
    words = page.split()
    place = rng.randrange(len(words) + 1)
    return " ".join([*words[:place], text, *words[place:]])


def without_a_word(text: str, rng: random.Random) -> str:
    """The words of a text less one."""
    words = [word for word in text.split() if word_count(word)]
    words.pop(rng.randrange(len(words)))
    return " ".join(words)


def cpu_s(call: Callable[[str], object], pages: list[str]) -> tuple[float, int]:
    """CPU seconds of a call on every page, and how often it gave something."""
    start = time.process_time()
    found = [call(page) for page in pages]
    return time.process_time() - start, sum(one is not None for one in found)


def main() -> int:
    """Prints the figures; 1 where a caption is missed or a page is taken for a copy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--injected", type=int, default=1000)
    parser.add_argument("--made-up", type=int, default=300_000)
    options = parser.parse_args()
    rng = random.Random(0)
    texts = captions()
    pages = list(read_texts(real_pages(SHARED / "data")).values())
    held = [one for one in texts if word_count(one.text) >= FEWEST_WORDS]
    index = TextIndex.build(texts)
    words = sorted({word for page in pages for word in page.split() if word.isalpha()})
    large = TextIndex.build([*texts, *made_up(options.made_up, words, rng)])
    print(f"{len(pages)} pages of {sum(map(word_count, pages))} words")
    print(f"{len(texts)} captions, {len(held)} of at least {FEWEST_WORDS} words")
    tries = [(rng.choice(pages), rng.choice(held).text) for _ in range(options.injected)]
    found = sum(index.match(injected(page, text, rng), LEAST) is not None for page, text in tries)
    print(f"injected {len(tries)}, found {found}")
    missing = [
        (page, without_a_word(text, rng)) for page, text in tries if 8 < word_count(text) < 14
    ]
    lacking = sum(index.match(injected(*pair, rng), LEAST) is not None for pair in missing)
    print(f"of 9 to 13 words, injected with one missing {len(missing)}, found {lacking}")
    signing, _ = cpu_s(lambda page: signatures([page]), pages)
    false = 0
    for name, one in (("captions", index), ("captions and made-up texts", large)):
        matching, matches = cpu_s(lambda page, one=one: one.match(page, LEAST), pages)
        false += matches
        size = len(one.encode()) / 1e6
        print(
            f"{name}: {len(one)} texts, {size:.1f} MB; pages that match {matches}; CPU time "
            f"{matching / signing:.2f} of the MinHash signatures'"
        )
    return int(found < len(tries) or lacking < len(missing) or false > 0)


if __name__ == "__main__":
    sys.exit(main())
