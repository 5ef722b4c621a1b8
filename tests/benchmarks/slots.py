"""Content blocks and images in their exact slots, and boilerplate images kept, on the made-up web.

    python tests/benchmarks/slots.py --pages 400 --seed 1

A block of the truth is in its slot where the extraction has the same block (a text with its words
and role, an image by its URL or another size of it) right behind the block that stands before it
in the truth. A boilerplate image is a logo, an icon, a pixel, an advertisement and their like; one
within the content that is too small or too flat to keep counts neither way.
Pages of spam are left out: of a text that is said fifty times over, one is enough.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pipeline.extract.document import extract_document
from pipeline.page_account import block_row
from pipeline.sample_web.web import build_page
from schemas.records import Page

Block = tuple[str, ...]


@dataclass
class Tally:
    """What was found on all pages.

    Attributes:
        blocks: of the truth, by kind; slots: those in their exact slot; found: those at all.
        boilerplate: images that are no content; kept: those of them that the extraction has.
    """

    blocks: Counter[str] = field(default_factory=Counter)
    slots: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    boilerplate: int = 0
    kept: int = 0
    misses: list[str] = field(default_factory=list)


def measure(pages: int, seed: int) -> Tally:
    """The tally of the first pages of a made-up web."""
    tally = Tally()
    for index in range(pages):
        built = build_page(index, seed)
        if built.truth["expect"] == "spam":
            continue
        page = built.resources[0]
        document = extract_document(Page("0" * 32, page.url, page.body, page.content_type))
        names = {url: row["url"] for row in built.truth["content"] for url in row.get("also", [])}
        got = [_block(block_row(block), names) for block in document.blocks]
        told = [row for row in built.truth["content"] if row.get("purpose", "content") == "content"]
        doubtful = {row["url"] for row in built.truth["content"] if row["kind"] == "image"}
        kept = {_block(row, {}) for row in told}
        got = [block for block in got if block in kept or block[1] not in doubtful]
        _count_blocks(tally, page.url, [_block(row, {}) for row in told], got)
        images = {block[1] for block in got if block[0] == "image"}
        others = {image["url"] for image in built.truth["images"] if not image["content"]}
        others -= doubtful | names.keys()
        tally.boilerplate += len(others)
        tally.kept += len(others & images)
        tally.misses += [f"{page.url}: kept {url}" for url in sorted(others & images)]
    return tally


def _block(row: dict[str, object], names: dict[str, str]) -> Block:
    if row["kind"] == "text":
        return "text", str(row["role"]), str(row["text"])
    url = str(row["url"])
    return str(row["kind"]), names.get(url, url)


def _count_blocks(tally: Tally, url: str, truth: list[Block], got: list[Block]) -> None:
    places = dict(_same(truth, got))
    for index, block in enumerate(truth):
        tally.blocks[block[0]] += 1
        place = places.get(index)
        if place is None:
            tally.misses.append(f"{url}: without {' '.join(block)[:100]}")
            continue
        tally.found[block[0]] += 1
        before = places.get(index - 1, -1 if index == 0 else None)
        if before is not None and place == before + 1:
            tally.slots[block[0]] += 1
        else:
            tally.misses.append(f"{url}: out of its slot {' '.join(block)[:100]}")


def _same(truth: list[Block], got: list[Block]) -> Iterator[tuple[int, int]]:
    """Index in the truth and in what was got of each block that both have, in order."""
    for match in SequenceMatcher(None, truth, got, autojunk=False).get_matching_blocks():
        for step in range(match.size):
            yield match.a + step, match.b + step


def main() -> int:
    """Prints the shares; 1 where a block is not in its slot too often, or boilerplate is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", type=int, default=0, help="so many misses are shown")
    options = parser.parse_args()
    tally = measure(options.pages, options.seed)
    print(f"{options.pages} pages of the made-up web, seed {options.seed}")
    print(f"{'kind':<8}{'blocks':>8}{'found':>9}{'in slot':>9}")
    for kind, count in tally.blocks.most_common():
        print(
            f"{kind:<8}{count:>8}{tally.found[kind] / count:>9.4f}{tally.slots[kind] / count:>9.4f}"
        )
    slots = tally.slots.total() / tally.blocks.total()
    kept = tally.kept / max(1, tally.boilerplate)
    print(f"{'all':<8}{tally.blocks.total():>8}{'':>9}{slots:>9.4f}")
    print(f"boilerplate images kept: {tally.kept} of {tally.boilerplate} ({kept:.2%})")
    for miss in tally.misses[: options.misses]:
        print(f"  {miss}")
    return 0 if slots >= 0.99 and kept <= 0.01 else 1


if __name__ == "__main__":
    sys.exit(main())
