"""Pages piece by piece, and decisions, as lines for a reader; in colour on a terminal."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.page_account import Piece
from schemas.records import Role

_CUT_SHOWN = 160
"""Characters that are shown of a piece that was cut."""
_COLOURS = {"heading": "1;36", "image": "35", "video": "35", "kept": "1;32", "cut": "1;31"}


def lines_of(row: Mapping[str, Any], pieces: tuple[Piece, ...], *, colour: bool) -> Iterator[str]:
    """A page as lines: what it says of itself, its pieces kept and cut, and the verdict.

    Args:
        row: the page's JSON object.
        pieces: of the page, in reading order.
        colour: whether to paint them.
    """
    yield f"url       {row['url']}"
    yield f"title     {row['title']}"
    if row.get("headline"):
        yield f"headline  {row['headline']}"
    yield f"language  {row['language']}"
    for evidence in row.get("licence", ()):
        yield f"licence   {evidence}"
    yield ""
    for piece in pieces:
        if piece.row is not None:
            yield from _block_lines(piece.row, colour=colour)
        else:
            yield _paint(_cut_line(piece), "cut", colour=colour)
    verdict = row["verdict"]
    yield ""
    cut = sum(piece.row is None for piece in pieces)
    yield f"{len(pieces) - cut} pieces kept, {cut} cut (lines that begin with a minus)"
    for kind, number in row.get("personal_data", {}).items():
        yield f"to be replaced in a corpus: {kind} {number}"
    if verdict["kept"]:
        yield _paint("kept: no text filter speaks against it", "kept", colour=colour)
    else:
        yield _paint(f"dropped: {_reason_of(verdict)}", "cut", colour=colour)


def decision_line(row: Mapping[str, Any], url: str = "") -> str:
    """A build's decision as a line; of a URL other than the one asked for with that URL."""
    line = f"{row['stage']:<16} {row['kind']:<8} {'kept' if row['kept'] else 'dropped'}"
    if row["reason"]:  # what is only flagged is kept and has one
        line += f"  {_reason_of(row)}"
    if row.get("eval_set"):
        line += f"  copy of {row['eval_set']}/{row['eval_id']}"
    stayed = row.get("copy_of_url")
    if stayed and stayed == url and row["url"] != url:
        line += f"  in its stead, of {row['url']}"
    elif stayed:
        line += f"  copy of {stayed}"
    return f"{line}  {row['key']}"


def _cut_line(piece: Piece) -> str:
    """One line: why a piece was cut, and its beginning."""
    what = " ".join(piece.what.split())
    return f"- [{piece.why}] {what if len(what) <= _CUT_SHOWN else what[:_CUT_SHOWN] + '…'}"


def _block_lines(block: Mapping[str, Any], *, colour: bool) -> Iterator[str]:
    if block["kind"] != "text":
        yield _paint(f"[{block['kind']}] {block['url']}", block["kind"], colour=colour)
        for name in ("alt", "caption", "description"):
            if block.get(name):
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


def _reason_of(row: Mapping[str, Any]) -> str:
    """The reason of a verdict or a decision, with what is known of value, limit and detail."""
    parts = [row["reason"]]
    parts += [str(row["value"])] if row["value"] is not None else []
    parts += [f"(limit {row['limit']})"] if row["limit"] is not None else []
    parts += [row["detail"]] if row.get("detail") else []
    return " ".join(parts)
