"""Tables, forms, charts and screens whose words and numbers are drawn from a seed.

Two of one layout and other values share their ground, lines, headings and letters' heights, as
pages of one benchmark do; `draw(kind, layout, values)` gives them.
"""

import math
import random

from PIL import Image, ImageDraw, ImageFont

SIZES = ((640, 480), (512, 384), (480, 640), (800, 500))
WORDS = [
    "north",
    "south",
    "river",
    "house",
    "price",
    "total",
    "green",
    "market",
    "silver",
    "winter",
    "paper",
    "garden",
    "stone",
    "bridge",
    "doctor",
    "school",
    "island",
    "window",
    "copper",
    "letter",
    "summer",
    "engine",
    "forest",
    "castle",
    "harbour",
    "valley",
    "ticket",
    "museum",
    "record",
    "planet",
    "orange",
    "number",
]


def draw(kind: str, layout: int, values: int) -> Image.Image:
    """One picture: what is the same in all of a layout, and values drawn from their own seed."""
    fixed, free = random.Random(f"{kind} {layout}"), random.Random(f"{kind} {layout} {values}")
    image = Image.new("RGB", fixed.choice(SIZES), "white")
    KINDS[kind](image, ImageDraw.Draw(image), fixed, free)
    return image


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _number(free: random.Random) -> str:
    return free.choice(
        (f"{free.randint(10, 999)}", f"{free.uniform(1, 99):.2f}", f"{free.randint(1, 99)} %")
    )


def _table(
    image: Image.Image, pen: ImageDraw.ImageDraw, fixed: random.Random, free: random.Random
) -> None:
    rows, columns = fixed.randint(5, 12), fixed.randint(3, 6)
    size = fixed.randint(14, 20)
    width, height = image.width * 0.92 / columns, image.height * 0.84 / rows
    left, top = image.width * 0.04, image.height * 0.12
    pen.text(
        (left, image.height * 0.03), " ".join(fixed.sample(WORDS, 3)), "black", _font(size + 4)
    )
    for row in range(rows + 1):
        pen.line((left, top + row * height, left + columns * width, top + row * height), "grey")
    for column in range(columns + 1):
        pen.line((left + column * width, top, left + column * width, top + rows * height), "grey")
    pen.rectangle((left, top, left + columns * width, top + height), "#d8e2f0", "grey")
    for row in range(rows):
        for column in range(columns):
            said = fixed.choice(WORDS) if row == 0 or column == 0 else _number(free)
            pen.text(
                (left + column * width + 6, top + row * height + 4), said, "black", _font(size)
            )


def _form(
    image: Image.Image, pen: ImageDraw.ImageDraw, fixed: random.Random, free: random.Random
) -> None:
    size, lines = fixed.randint(14, 19), fixed.randint(7, 12)
    pen.text((30, 14), " ".join(fixed.sample(WORDS, 2)).title() + " form", "black", _font(size + 6))
    step = (image.height - 70) / lines
    for line in range(lines):
        y = 60 + line * step
        pen.text((30, y), fixed.choice(WORDS).title() + ":", "black", _font(size))
        pen.rectangle(
            (image.width * 0.32, y - 3, image.width * 0.94, y + size + 6), None, "#888888"
        )
        said = " ".join([*free.sample(WORDS, 2), _number(free)])
        pen.text((image.width * 0.32 + 8, y), said, "#202060", _font(size))


def _chart(
    image: Image.Image, pen: ImageDraw.ImageDraw, fixed: random.Random, free: random.Random
) -> None:
    bars, size = fixed.randint(5, 9), fixed.randint(13, 18)
    left, floor, top = image.width * 0.1, image.height * 0.85, image.height * 0.16
    pen.text((left, 12), " ".join(fixed.sample(WORDS, 3)), "black", _font(size + 4))
    for step in range(6):
        y = floor - (floor - top) * step / 5
        pen.line((left, y, image.width * 0.96, y), "#cccccc")
        pen.text((8, y - size / 2), str(step * 20), "black", _font(size))
    width = image.width * 0.86 / bars
    for bar in range(bars):
        x, value = left + bar * width, free.randint(8, 98)
        y = floor - (floor - top) * value / 100
        pen.rectangle(
            (x + width * 0.2, y, x + width * 0.8, floor), fixed.choice(("#4472c4", "#70ad47"))
        )
        pen.text((x + width * 0.2, y - size - 3), str(value), "black", _font(size))
        pen.text((x + width * 0.1, floor + 6), fixed.choice(WORDS)[:6], "black", _font(size))


def _screen(
    image: Image.Image, pen: ImageDraw.ImageDraw, fixed: random.Random, free: random.Random
) -> None:
    dark = fixed.random() < 0.5
    ground, ink, bar = (
        ("#1e1e1e", "#d4d4d4", "#333333") if dark else ("#ffffff", "#202020", "#e8e8e8")
    )
    pen.rectangle((0, 0, *image.size), ground)
    pen.rectangle((0, 0, image.width, 34), bar)
    pen.rectangle((0, 34, image.width * 0.24, image.height), "#252526" if dark else "#f3f3f3")
    size = fixed.randint(13, 17)
    for place in range(4):
        pen.text((12 + place * 90, 8), fixed.choice(WORDS).title(), ink, _font(size))
        pen.text((14, 54 + place * 2.2 * size), fixed.choice(WORDS), ink, _font(size))
    for line in range(math.floor((image.height - 60) / (size * 1.6))):
        said = " ".join(free.choices(WORDS, k=free.randint(3, 7)))
        pen.text((image.width * 0.27, 50 + line * size * 1.6), said, ink, _font(size))


def _page(
    image: Image.Image, pen: ImageDraw.ImageDraw, fixed: random.Random, free: random.Random
) -> None:
    size = fixed.randint(14, 18)
    for line in range(math.floor((image.height - 60) / (size * 1.5))):
        said = " ".join(free.choices(WORDS, k=12))
        while pen.textlength(said, _font(size)) > image.width * 0.88:
            said = said.rpartition(" ")[0]
        pen.text((image.width * 0.06, 30 + line * size * 1.5), said, "black", _font(size))


KINDS = {"table": _table, "form": _form, "chart": _chart, "screen": _screen, "page": _page}
