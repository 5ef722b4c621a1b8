"""What becomes of a page, and why.

  python -m pipeline.explain PAGE.html --url https://example.org/page
  python -m pipeline.explain --pages PAGES.jsonl > BLOCKS.jsonl
  python -m pipeline.explain --output OUT --find https://example.org/page

The first form shows a page piece by piece, what the build keeps of it as which block and what it
cuts and why (in red on a terminal), and the verdict of the text filters;
the second does so for many pages, one {"path", "url"} a line in and one object a line out; the
third tells from a finished build's decisions what became of a URL.
"""

import argparse
import json
import logging
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.extract.document import Passage, account_for
from pipeline.filters.document import (
    DocumentLimits,
    document_text,
    judge_document,
    without_pii,
)
from pipeline.filters.language import identify_language
from schemas.keys import make_key
from schemas.manifest import decode_manifest
from schemas.records import Block, ImageLink, Page, Role, TextBlock
from schemas.rejection import BadInput, Why

_LOG = logging.getLogger(__name__)
_COLUMNS = (
    "stage",
    "kind",
    "key",
    "url",
    "kept",
    "reason",
    "value",
    "limit",
    "detail",
    "eval_set",
    "eval_id",
)
_CUT_SHOWN = 160
"""Characters that are shown of a piece that was cut."""
_COLOURS = {"heading": "1;36", "image": "35", "video": "35", "kept": "1;32", "cut": "1;31"}


def main(argv: list[str] | None = None) -> int:
    """0 when done, 1 when an input cannot be read or a URL is not found, 2 on wrong usage."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    parser = _parser()
    options = parser.parse_args(argv)
    if bool(options.find) != bool(options.output):
        parser.error("--find and --output go together")
    try:
        if options.find:
            return _tell_story(options.output, options.find, as_json=options.json)
        if options.pages:
            return _explain_pages(options.pages)
        return _explain_page(options.page, options.url, as_json=options.json)
    except BrokenPipeError:
        # Whoever read this has seen enough; what is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _LOG.error("%s: %s", error.filename or options.page, error.strerror or error)
    except ValueError as error:
        _LOG.error("%s", error)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.explain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("page", nargs="?", help="an HTML file")
    what.add_argument("--pages", metavar="PAGES.jsonl", help="a list of pages, - for stdin")
    what.add_argument("--find", metavar="URL", help="a URL that a finished build has seen")
    parser.add_argument("--url", default="", help="the page's URL (its file:// URL unless given)")
    parser.add_argument("--output", metavar="DIR", help="the finished build")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def explain_page(path: str, url: str) -> dict[str, Any]:
    """A page's path, url, language, title, blocks and verdict, as `--pages` prints them."""
    return account_for_page(path, url)[0]


def account_for_page(path: str, url: str) -> tuple[dict[str, Any], tuple[Passage, ...]]:
    """The same, and the whole page piece by piece: what is kept of it, what is cut and why."""
    file = Path(path)
    body = file.read_bytes()
    if body.startswith((b"WARC/", b"\x1f\x8b")):
        raise ValueError(
            f"{path}: a WARC or packed file, and no page: build from it, then --find URL"
        )
    url = url or file.resolve().as_uri()
    row: dict[str, Any] = {"path": path, "url": url, "language": "", "title": "", "blocks": []}
    try:
        document, passages = account_for(Page(make_key(url, body), url, body))
    except BadInput as bad:
        return row | {"verdict": _verdict(bad.why)}, ()
    language = identify_language(document_text(document))
    why = judge_document(document, DocumentLimits(), language)
    row |= {
        "language": language[0],
        "title": document.title,
        "headline": document.headline,
        "licence": list(document.licence),
        "blocks": [block_row(block) for block in document.blocks],
        "personal_data": dict(without_pii(document)[1]),
        "verdict": _verdict(why),
    }
    return row, passages


def block_row(block: Block) -> dict[str, Any]:
    """A block as a JSON object that names its kind; `rights` only where the page states any."""
    row: dict[str, Any]
    if isinstance(block, TextBlock):
        row = {"kind": "text", "role": str(block.role), "text": block.text}
        return row | ({"ends_topic": True} if block.ends_topic else {})
    if isinstance(block, ImageLink):
        row = {
            "kind": "image",
            "url": block.url,
            "alt": block.alt,
            "caption": block.caption,
            "width": block.width,
            "height": block.height,
        }
        told = {name: text for name, text in asdict(block.rights).items() if text}
        return row | ({"rights": told} if told else {})
    row = {"kind": "video", "url": block.url, "poster": block.poster}
    return row | {"alt": block.alt, "caption": block.caption}


def _verdict(why: Why | None) -> dict[str, Any]:
    if why is None:
        return {"kept": True, "reason": None, "value": None, "limit": None}
    row = {"kept": False, "reason": str(why.reason), "value": why.value, "limit": why.limit}
    return row | ({"detail": why.detail} if why.detail else {})


def _explain_pages(path: str) -> int:
    if path == "-":
        return _print_pages(sys.stdin.buffer, "stdin")
    with Path(path).open("rb") as lines:
        return _print_pages(lines, path)


def _print_pages(lines: Iterable[bytes], name: str) -> int:
    """1 where any line could not be explained: each is told, and the others go on."""
    failed = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _explain_line(line)
        except OSError as error:
            _LOG.error("%s:%d: %s: %s", name, number, error.filename, error.strerror or error)
            failed = 1
        except ValueError as error:
            _LOG.error("%s:%d: %s", name, number, error)
            failed = 1
        else:
            _write(json.dumps(row, ensure_ascii=False))
    return failed


def _explain_line(line: bytes) -> dict[str, Any]:
    """What becomes of the page that a line names.

    Raises:
        ValueError: the line names none.
        OSError: the page cannot be read.
    """
    wrong = 'not a {"path", "url"} object'
    try:
        page = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{wrong}: {str(error) or 'too deep'}") from None
    path, url = (page.get("path"), page.get("url") or "") if isinstance(page, dict) else (None, "")
    if not isinstance(path, str) or not isinstance(url, str) or not path:
        raise ValueError(f"{wrong}: {ascii(page)[:80]}")
    return explain_page(path, url)


def _explain_page(path: str, url: str, *, as_json: bool) -> int:
    row, passages = account_for_page(path, url)
    if as_json:
        row["cut"] = [{"what": p.what, "why": p.why} for p in passages if p.why]
        _write(json.dumps(row, ensure_ascii=False))
        return 0
    for line in _as_text(row, passages, colour=sys.stdout.isatty()):
        _write(line)
    return 0


def _as_text(row: dict[str, Any], passages: tuple[Passage, ...], *, colour: bool) -> Iterator[str]:
    yield f"url       {row['url']}"
    yield f"title     {row['title']}"
    if row.get("headline"):
        yield f"headline  {row['headline']}"
    yield f"language  {row['language']}"
    for evidence in row.get("licence", ()):
        yield f"licence   {evidence}"
    yield ""
    for passage in passages:
        if passage.block is not None:
            yield from _block_lines(block_row(passage.block), colour=colour)
        else:
            yield _paint(_cut_line(passage), "cut", colour=colour)
    verdict = row["verdict"]
    yield ""
    cut = sum(passage.block is None for passage in passages)
    yield f"{len(passages) - cut} pieces kept, {cut} cut (lines that begin with a minus)"
    for kind, number in row.get("personal_data", {}).items():
        yield f"to be replaced in a corpus: {kind} {number}"
    if verdict["kept"]:
        yield _paint("kept: no text filter speaks against it", "kept", colour=colour)
    else:
        yield _paint(f"dropped: {_reason_of(verdict)}", "cut", colour=colour)


def _cut_line(passage: Passage) -> str:
    """One line: why a piece was cut, and its beginning."""
    what = " ".join(passage.what.split())
    return f"- [{passage.why}] {what if len(what) <= _CUT_SHOWN else what[:_CUT_SHOWN] + '…'}"


def _block_lines(block: dict[str, Any], *, colour: bool) -> Iterator[str]:
    if block["kind"] != "text":
        yield _paint(f"[{block['kind']}] {block['url']}", block["kind"], colour=colour)
        for name in ("alt", "caption"):
            if block[name]:
                yield f"    {name}: {block[name]}"
        for name, text in block.get("rights", {}).items():
            yield f"    {name}: {' / '.join(text.splitlines())}"
        return
    label = f"{block['role']:<10}  "
    if block["role"] == Role.CODE:
        yield label
        yield textwrap.indent(block["text"], "    ")
        return
    text = textwrap.fill(
        block["text"], width=100, initial_indent=label, subsequent_indent=" " * len(label)
    )
    yield _paint(text, block["role"], colour=colour)


def _paint(text: str, kind: str, *, colour: bool) -> str:
    code = _COLOURS.get(kind)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text


def _tell_story(output: str, url: str, *, as_json: bool) -> int:
    story = find_decisions(output, url)
    if not story:
        _LOG.error("%s: no decision names %s", output, url)
        return 1
    for row in story:
        _write(json.dumps(row, ensure_ascii=False) if as_json else _decision_line(row))
    return 0


def find_decisions(output: str, url: str) -> list[dict[str, Any]]:
    """Every decision of a build that names the URL, in the order of the build's stages.

    Raises:
        ValueError: the build has no decisions, or a file of them cannot be read.
    """
    import pyarrow.dataset
    from pyarrow.lib import ArrowInvalid

    files = sorted(str(path) for path in Path(output, "decisions").glob("*.parquet"))
    if not files:
        raise ValueError(f"{output}/decisions: no decisions here; is the build finished?")
    try:
        data = pyarrow.dataset.dataset(files, format="parquet")
        names = [name for name in _COLUMNS if name in data.schema.names]
        table = data.to_table(columns=names, filter=pyarrow.dataset.field("url") == url)
    except ArrowInvalid as error:
        raise ValueError(f"{output}/decisions: {error}") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    order = _stage_order(output)
    return sorted(rows, key=lambda row: order.get(row["stage"], len(order)))


def _stage_order(output: str) -> dict[str, int]:
    """The place of each stage in the build, by its manifest; nothing where there is none."""
    try:
        content = Path(output, "manifest.json").read_bytes()
        names = [stage.name for stage in decode_manifest(content).stages]
    except (FileNotFoundError, ValueError):
        return {}
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _decision_line(row: dict[str, Any]) -> str:
    line = f"{row['stage']:<16} {row['kind']:<8} {'kept' if row['kept'] else 'dropped'}"
    if row["reason"]:  # what is only flagged is kept and has one
        line += f"  {_reason_of(row)}"
    if row.get("eval_set"):
        line += f"  copy of {row['eval_set']}/{row['eval_id']}"
    return f"{line}  {row['key']}"


def _reason_of(row: dict[str, Any]) -> str:
    """The reason of a verdict or a decision, with what is known of value, limit and detail."""
    parts = [row["reason"]]
    parts += [str(row["value"])] if row["value"] is not None else []
    parts += [f"(limit {row['limit']})"] if row["limit"] is not None else []
    parts += [row["detail"]] if row.get("detail") else []
    return " ".join(parts)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
