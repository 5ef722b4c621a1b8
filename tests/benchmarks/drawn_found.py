"""Drawn pictures: are copies of them found, and do others fall that differ in their values alone?

    python tests/benchmarks/drawn_found.py [--layouts 25] [--others 2]

Of each kind (table, form, chart, screen, page) so many layouts are the evaluation set, and so many
pictures of the same layout with other words and numbers are held against it; copies are made of the
originals. Every picture is kept as a corpus keeps it: at most 512 px, JPEG 90.
"""

import argparse
import sys
from collections import Counter

from copies_found import OTHERS, TWELVE, as_kept, index_of, matches, share, smaller, wrong
from drawn import KINDS, draw
from PIL import ImageEnhance

COPIES = {
    name: (TWELVE | OTHERS)[name]
    for name in ("none", "JPEG 20", "resize 0.25", "brightness 1.5", "aspect 0.7", "greyscale")
}
COPIES |= {
    "resize 0.5": lambda image: smaller(image, 0.5),
    "brightness 0.6": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "flip": TWELVE["flip"],
    "crop 80 % centre": OTHERS["crop 80 % centre"],
    "crop 80 % anywhere": OTHERS["crop 80 % anywhere"],
    "turn 15 degrees": TWELVE["turn 15 degrees"],
    "text over it": TWELVE["text over it"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layouts", type=int, default=25, help="of each kind")
    parser.add_argument("--others", type=int, default=2, help="with other values, of each layout")
    options = parser.parse_args()
    names = [(kind, layout) for kind in KINDS for layout in range(options.layouts)]
    originals = [draw(kind, layout, 0) for kind, layout in names]
    index = index_of(originals)
    drawn = sum(bool(item.detail) for item in index.items)
    print(f"{len(originals)} originals, {drawn} of them seen to be drawn")
    dropped: Counter[str] = Counter()
    for values in range(1, options.others + 1):
        others = [as_kept(draw(kind, layout, values)) for kind, layout in names]
        for (kind, _), match in zip(names, matches(index, others), strict=True):
            dropped[kind] += bool(match)
    told = ", ".join(f"{kind} {dropped[kind]}" for kind in KINDS)
    print(f"other values, dropped: {dropped.total()} of {options.others * len(names)}: {told}")
    for name, transform in COPIES.items():
        found = matches(index, [as_kept(transform(image)) for image in originals])
        print(f"{name:24}{share(found):>8.3f}{wrong(found):>5} of another", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
