"""What was lost of the inputs, a line a file, from the decisions of the read stage."""

import re
from collections.abc import Iterable, Mapping

from schemas.rejection import Reason
from schemas.tables import Decision

_PLACE = re.compile(r"(?P<file>.+)@(?P<first>\d+)(?:-(?P<end>\d+))?(?P<digest> digest)?")
_ROW = re.compile(r"(?P<file>.+) row (?P<row>\d+)")
_LINE = re.compile(r"(?P<file>.+\.(?:txt|csv|parquet)):(?P<line>\d+): (?P<text>.*)", re.IGNORECASE)
_PLACES = 3
"""Places told of one file; all stand in the decisions."""
_NOTHING = "nothing of its"


def damage_lines(decisions: Iterable[Decision], sizes: Mapping[str, int]) -> list[str]:
    """One line for each input that was not read as a whole, in the order of their paths.

    Args:
        decisions: of the read stage.
        sizes: bytes of the inputs, to tell a file of which nothing is left.
    """
    lost: dict[str, list[tuple[int, str]]] = {}
    for row in decisions:
        told = _told(row, sizes)
        if told is not None:
            file, place, words = told
            lost.setdefault(file, []).append((place, words))
    return [f"damaged: {file}: {_summed_up(lost[file])}" for file in sorted(lost)]


def _told(row: Decision, sizes: Mapping[str, int]) -> tuple[str, int, str] | None:
    """The file that a decision speaks of, the place in it and what is wrong there."""
    detail = row.detail or ""
    if row.reason == Reason.BAD_URL and (line := _LINE.fullmatch(detail)):
        return line["file"], int(line["line"]), f"line {line['line']} is no URL: {line['text']}"
    if row.reason != Reason.DAMAGED_RECORD:
        return None
    if place := _PLACE.fullmatch(detail):
        first, size = int(place["first"]), sizes.get(place["file"], 0)
        if first == 0 and place["end"] == str(size):
            return place["file"], 0, f"{_NOTHING} {size} bytes can be read"
        if place["end"]:
            lost = int(place["end"]) - first
            return place["file"], first, f"bytes {first} to {place['end']} ({lost} bytes)"
        what = "is not what its digest says" if place["digest"] else "is cut or damaged"
        return place["file"], first, f"the record at byte {first} {what}"
    if listed := _ROW.fullmatch(detail):
        return listed["file"], int(listed["row"]), f"row {listed['row']} names no record"
    file, _, words = detail.rpartition(": ")
    return file or row.url, 0, words


def _summed_up(places: list[tuple[int, str]]) -> str:
    """How many records or lines are lost, and where the first of them lay."""
    told = list(dict.fromkeys(words for _, words in sorted(places)))
    more = [f"and {len(told) - _PLACES} more places"] if len(told) > _PLACES else []
    rest = [] if told[0].startswith(_NOTHING) else ["all else was read"]
    unit = "line" if told[0].startswith("line ") else "record"
    number = f"at least {len(places)} {unit}{'s' * (len(places) > 1)} lost"
    return f"{number}: {'; '.join(told[:_PLACES] + more + rest)}"
