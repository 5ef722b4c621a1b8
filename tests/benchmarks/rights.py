"""What real pages say of the rights in their images, and where they say it.

    python tests/benchmarks/rights.py [--shared ../shared]

Counted are the images that the reader takes for content, on the three sets of `extraction.py`, by what
is said of them and by place.
"""

import json
import tempfile
from collections import Counter
from dataclasses import fields
from pathlib import Path

from extraction import SETS, pages_of
from shared_inputs import parser_with_shared

from pipeline.extract.document import extract_document
from schemas.keys import make_key
from schemas.records import ImageLink, Page, Rights
from schemas.rejection import BadInput


def rights_in(pages: Path) -> list[list[Rights]]:
    """The rights of each page's images."""
    found = []
    for line in pages.read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        body = Path(page["path"]).read_bytes()
        try:
            blocks = extract_document(Page(make_key(page["url"], body), page["url"], body)).blocks
        except BadInput:
            blocks = ()
        found.append([block.rights for block in blocks if isinstance(block, ImageLink)])
    return found


def main() -> None:
    """Prints the totals, then a row a field with its places."""
    parser = parser_with_shared(__doc__)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        lists = [pages_of(options.shared, one, Path(name)) for one in SETS]
        pages = [page for one in lists for page in rights_in(one)]
    told = [[rights for rights in page if rights.found] for page in pages]
    print(
        f"{len(pages)} pages, {sum(map(len, pages))} images; of {sum(map(len, told))} of them, "
        f"on {sum(map(bool, told))} pages, something is said\n"
    )
    places: dict[str, Counter[str]] = {field.name: Counter() for field in fields(Rights)}
    for rights in (one for page in told for one in page):
        for part in rights.found.split("; "):
            field, _, where = part.partition(": ")
            places[field].update(where.split(", "))
    print("| what | images by place |\n|---|---|")
    for field, counts in places.items():
        if counts:
            print(f"| {field} | {', '.join(f'{n} {place}' for place, n in counts.most_common())} |")


if __name__ == "__main__":
    main()
