"""What extraction finds on three sets of real pages with a known answer, and what a page costs.

    python tests/benchmarks/extraction.py [--shared ../shared] [--runs 3]

Scores are those of `shared/score/extraction.py`, beside one of our own: `same_picture` counts an image
as found where the URL taken is another size of it, named by the same element. CPU seconds are of the
whole path from bytes to blocks, median of the runs, beside trafilatura (fast) and resiliparse on the
same pages in the same run; the two live in a venv that this script makes. Ours is timed twice: as a
build runs it, a page's bytes to the process with its limits and the document back, the CPU of both
processes counted; and in one process, as a library call. No start of a process is in any figure.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from urllib.parse import urljoin

from shared_inputs import parser_with_shared

SETS = ("pages-wcxb", "pages-aeb", "pages-readability")
PEERS = ("trafilatura==2.3.1", "resiliparse==2.0.1", "lxml_html_clean==0.4.5")
OURS = """
import time
from pipeline.extract.alone import PageExtractor
from pipeline.extract.limits import ExtractLimits
from schemas.records import Page
from schemas.rejection import BadInput
extractor = PageExtractor(ExtractLimits())
def extract(body, url):
    try:
        extractor.extract(Page("0" * 32, url, body))
    except BadInput:
        pass
def cpu_s():
    # Linux's clock of another process, as clock_getcpuclockid(3) makes its number.
    child = time.clock_gettime((~extractor._child.pid << 3) | 2) if extractor._child else 0.0
    return time.process_time() + child
"""
OURS_HERE = """
from pipeline.extract.document import extract_document
from schemas.records import Page
from schemas.rejection import BadInput
def extract(body, url):
    try:
        extract_document(Page("0" * 32, url, body))
    except BadInput:
        pass
"""
TRAFILATURA = """
import trafilatura
def extract(body, url):
    trafilatura.extract(body, fast=True, include_comments=False)
"""
RESILIPARSE = """
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree
def extract(body, url):
    extract_plain_text(HTMLTree.parse_from_bytes(body, detect_encoding(body)), main_content=True)
"""
CLOCK = """
import json, sys, time
cpu_s = globals().get("cpu_s", time.process_time)
pages = [json.loads(line) for line in open(sys.argv[1])]
bodies = [(open(page["path"], "rb").read(), page["url"]) for page in pages]
extract(*bodies[0])
each = []
for body, url in bodies:
    begun = cpu_s()
    extract(body, url)
    each.append(cpu_s() - begun)
print(json.dumps([sum(each), max(each)]))
"""


def pages_of(shared: Path, name: str, folder: Path) -> Path:
    """The list of a set's pages, one {"path", "url"} a line."""
    pages = folder / f"{name}.jsonl"
    scorer = [sys.executable, str(shared / "score/extraction.py"), "pages"]
    told = subprocess.run([*scorer, str(shared / "data" / name)], check=True, capture_output=True)
    pages.write_bytes(told.stdout)
    return pages


def scores_of(shared: Path, name: str, pages: Path) -> dict[str, float]:
    """The scorer's figures for our blocks, and recall by picture where the set has images."""
    blocks = pages.with_suffix(".blocks")
    with blocks.open("wb") as out:
        explain = [sys.executable, "-m", "pipeline.explain", "--pages", str(pages)]
        subprocess.run(explain, check=True, stdout=out)
    score = [sys.executable, str(shared / "score/extraction.py"), "score"]
    told = subprocess.run(
        [*score, str(shared / "data" / name), str(blocks)],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = {key: float(value) for key, value in map(str.split, told.stdout.splitlines())}
    if name == "pages-readability":
        figures["image_recall_same_picture"] = recall_by_picture(blocks)
    return figures


def recall_by_picture(blocks: Path) -> float:
    """The share of the gold's pictures of which some size was found."""
    found = total = 0
    for row in map(json.loads, blocks.read_text(encoding="utf-8").splitlines()):
        taken = {block["url"] for block in row["blocks"] if block["kind"] == "image"}
        source = Path(row["path"]).read_text(encoding="utf-8", errors="replace")
        gold = Path(row["path"]).with_name("expected.html").read_text(encoding="utf-8")
        sizes = sizes_of(source, row["url"])
        wanted = {urls[0] for urls in named_urls(gold, row["url"]) if urls}
        total += len(wanted)
        found += sum(not taken.isdisjoint(sizes.get(url, set()) | {url}) for url in wanted)
    return found / total


def sizes_of(html: str, base: str) -> dict[str, set[str]]:
    """For each image URL the URLs that the same element names for it."""
    sizes: dict[str, set[str]] = {}
    for urls in named_urls(html, base):
        for url in urls:
            sizes.setdefault(url, set()).update(urls)
    return sizes


def named_urls(html: str, base: str) -> list[list[str]]:
    """The URLs that each img names, its src first, with those of the picture around it."""
    from selectolax.lexbor import LexborHTMLParser

    groups = []
    for image in LexborHTMLParser(html).css("img"):
        elements = [image]
        if image.parent is not None and image.parent.tag == "picture":
            elements += image.parent.css("source")
        links = []
        for element in elements:
            attributes = {name: value or "" for name, value in element.attributes.items()}
            links.append(attributes.pop("src", "").strip())
            for name, value in attributes.items():
                parts = value.split(", ") if "srcset" in name else [value]
                links += [part.split()[0] for part in parts if part.strip()]
        groups.append(
            [urljoin(base, link) for link in links if "/" in link and link[:5] != "data:"]
        )
    return groups


def cpu_seconds(python: str, extractor: str, pages: Path) -> tuple[float, float]:
    """CPU seconds of all pages, and of the slowest."""
    told = subprocess.run(
        [python, "-c", extractor + CLOCK, str(pages)], check=True, capture_output=True, text=True
    )
    total, worst = json.loads(told.stdout)
    return total, worst


def peers_python(folder: Path) -> str:
    """The Python of a venv with the peers."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return python


def main() -> None:
    """Prints both tables."""
    parser = parser_with_shared(__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lists = {name: pages_of(options.shared, name, folder) for name in SETS}
        print("| set | score | figure |\n|---|---|---|")
        for name, pages in lists.items():
            for score, figure in scores_of(options.shared, name, pages).items():
                print(f"| {name} | {score} | {figure:g} |")
        everything = folder / "all.jsonl"
        everything.write_bytes(b"".join(pages.read_bytes() for pages in lists.values()))
        peers = peers_python(folder / "peers")
        print(
            "\n| extractor | CPU s, all pages | slowest page ms | to trafilatura's |\n|---|---|---|---|"
        )
        rivals = {
            "trafilatura 2.3.1 fast": (peers, TRAFILATURA),
            "resiliparse 2.0.1 main content": (peers, RESILIPARSE),
            "ours, as a build runs it": (sys.executable, OURS),
            "ours, in one process": (sys.executable, OURS_HERE),
        }
        runs = {
            name: [cpu_seconds(*rival, everything) for _ in range(options.runs)]
            for name, rival in rivals.items()
        }
        base = statistics.median(total for total, _ in runs["trafilatura 2.3.1 fast"])
        for name, figures in runs.items():
            total = statistics.median(total for total, _ in figures)
            worst = statistics.median(worst for _, worst in figures)
            print(f"| {name} | {total:.1f} | {1000 * worst:.0f} | {total / base:.2f} |")


if __name__ == "__main__":
    main()
