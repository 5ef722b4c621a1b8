"""How many pages in an 8-bit Latin encoding are read right, by our decoder and by charset-normalizer.

    python tests/benchmarks/latin_encodings.py [--catalogues /usr/share/locale]

Pages are made of the translated messages of programs on this machine (gettext catalogues; on Debian
those of language packs and of most packages), 2, 8 and 30 messages a page, 20 pages of each. Each is
given without a label, under a wrong one and under its own. The peer is asked for the same bytes
without tags, as it is told to be; it knows no labels.
"""

import argparse
import gettext
import random
import re
from collections import Counter
from pathlib import Path

from charset_normalizer import from_bytes

from pipeline.extract.decode import decode_html

WESTERN = (
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "pt_BR",
    "sv",
    "da",
    "nb",
    "fi",
    "nl",
    "ca",
    "gl",
    "is",
    "ga",
)
CENTRAL = ("pl", "cs", "sk", "hu", "hr", "sl", "ro")
GROUPS = {
    "windows-1252": WESTERN,
    "windows-1250": CENTRAL,
    "iso-8859-2": CENTRAL,
    "windows-1254": ("tr",),
    "windows-1257": ("lt", "lv", "et"),
}
SIZES = (2, 8, 30)
PAGES = 20
CEDILLAS = str.maketrans("șțȘȚ", "şţŞŢ")
"""Romanian's letters with a comma are in no 8-bit encoding; pages had these for them."""


def messages_of(catalogues: Path, language: str, encoding: str) -> list[str]:
    """The messages of a language that the encoding can hold, in a fixed random order."""
    found = set()
    for path in sorted(catalogues.glob(f"{language}/LC_MESSAGES/*.mo")):
        try:
            with path.open("rb") as stream:
                catalogue = gettext.GNUTranslations(stream)
        except UnicodeDecodeError:  # a head that is not in the encoding that it names
            continue
        for message in vars(catalogue)["_catalog"].values():
            text = " ".join(message.replace("<", " ").split()).translate(CEDILLAS)
            if 40 < len(text) < 400 and text == text.encode(encoding, "ignore").decode(encoding):
                found.add(text)
    ordered = sorted(found)
    random.Random(0).shuffle(ordered)
    return ordered


def pages_of(messages: list[str]) -> list[str]:
    """Texts of pages that hold more than ASCII."""
    chosen = random.Random(1)
    pages = [
        " ".join(chosen.sample(messages, min(size, len(messages))))
        for size in SIZES
        for _ in range(PAGES)
    ]
    return [page for page in pages if not page.isascii()]


def page_of(text: str, label: str) -> str:
    """A page of one paragraph."""
    meta = f'<meta charset="{label}">' if label else ""
    return (
        f"<!doctype html><html><head>{meta}<title>x</title></head><body><p>{text}</p></body></html>"
    )


def peer_text(body: bytes) -> str:
    """The page's text as charset-normalizer has it."""
    best = from_bytes(re.sub(rb"<[^>]*>", b" ", body)).best()
    return "" if best is None else str(best)


def main() -> None:
    """Prints a row an encoding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--catalogues", type=Path, default=Path("/usr/share/locale"))
    catalogues = parser.parse_args().catalogues
    labels = ("", "utf-8", "iso-8859-1", "own")
    heads = " | ".join(f"ours, label {label or 'none'}" for label in labels)
    print(f"| encoding | pages | charset-normalizer | {heads} |")
    print("|---|---|---|" + "---|" * len(labels))
    for encoding, languages in GROUPS.items():
        right: Counter[str] = Counter()
        pages = [
            text
            for language in languages
            for text in pages_of(messages_of(catalogues, language, encoding))
        ]
        for text in pages:
            right["peer"] += text in peer_text(page_of(text, "").encode(encoding))
            for label in labels:
                body = page_of(text, encoding if label == "own" else label).encode(encoding)
                right[label] += text in decode_html(body)
        figures = " | ".join(f"{right[name] / len(pages):.3f}" for name in ("peer", *labels))
        print(f"| {encoding} | {len(pages)} | {figures} |")


if __name__ == "__main__":
    main()
