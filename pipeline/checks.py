"""What must hold of a build's stages, or it fails; and what is said where nothing came out."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.recipe import ErrorLimits
from pipeline.stages.damage import damage_lines
from pipeline.stages.inputs import Input
from pipeline.stages.run import StageResult, Work
from pipeline.stages.tables import read_rows
from schemas.manifest import Manifest, StageCount
from schemas.rejection import Reason
from schemas.tables import Decision

_FILES_TOLD = 20
_PARSE = {
    Reason.PARSE_ERROR,
    Reason.DAMAGED_RECORD,
    Reason.TRUNCATED_RECORD,
    Reason.BAD_ENCODING,
    Reason.TOO_MANY_BYTES,
    Reason.EMPTY_BODY,
    Reason.NO_CONTENT,
}
_FETCH = {Reason.TIMEOUT, Reason.CONNECTION, Reason.HTTP_STATUS, Reason.UNRESOLVED_HOST}


class BuildFailed(Exception):
    """The data or a check failed; the message says which."""


def check_counts(result: StageResult, errors: ErrorLimits, work: Work) -> None:
    """Fails where items are unaccounted for, or where too many are in error."""
    limits: dict[str, tuple[str, float, set[Reason]]] = {
        "read": ("parse_share", errors.parse_share, _PARSE),
        "fetch": ("fetch_share", errors.fetch_share, _FETCH),
    }
    for count in result.counts:
        if not count.adds_up:
            lost = count.read - count.kept - sum(count.rejected.values())
            raise BuildFailed(f"stage {count.name}: {lost} of {count.read} items unaccounted for")
        key, bound, reasons = limits.get(count.name, ("", 1.0, set()))
        number = sum(count.rejected.get(str(reason), 0) for reason in reasons)
        if number > bound * count.read:
            raise BuildFailed(
                f"stage {count.name}: {number} of {count.read} {count.kind}s in error, more than "
                f"the recipe's share of {bound} (errors.{key}): {_examples(result, reasons, work)}"
            )


def _examples(result: StageResult, reasons: set[Reason], work: Work, most: int = 3) -> str:
    """The first few items that were in error, with their reasons."""
    rows = _decisions(result, work)
    wrong = (f"{row.reason} {row.url or row.detail}" for row in rows if row.reason in reasons)
    return "; ".join(itertools.islice(wrong, most))


def _decisions(result: StageResult, work: Work) -> Iterable[Decision]:
    for path in work.paths(result.name, "decisions"):
        yield from read_rows(path, Decision)


def damage_of(result: StageResult, inputs: Sequence[Input], work: Work) -> list[str]:
    """A line for each input that could not be read as a whole; of very many, the first."""
    told = {str(Reason.DAMAGED_RECORD), str(Reason.BAD_URL)}
    if not any(told & count.rejected.keys() for count in result.counts):
        return []
    lines = damage_lines(_decisions(result, work), {item.path: item.size for item in inputs})
    more = len(lines) - _FILES_TOLD
    rest = [f"damaged: {more} more files; all stand in the decisions"] if more > 0 else []
    return lines[:_FILES_TOLD] + rest


def check_pages(result: StageResult, inputs: Sequence[Input]) -> None:
    """Fails where no page could be read."""
    counts = [count for count in result.counts if count.kind == "page"]
    if any(count.kept for count in counts):
        return
    names = ", ".join(item.path for item in inputs[:3]) + ", …" * (len(inputs) > 3)
    rejected = sum((Counter(count.rejected) for count in counts), Counter[str]())
    why = f"{names}: {by_reason(rejected)}" if rejected else names
    if rejected.keys() <= {Reason.DAMAGED_RECORD}:
        raise BuildFailed(f"the input holds no HTML page: {why}")
    raise BuildFailed(f"no page of the input could be read: {why}")


def by_reason(rejected: dict[str, int]) -> str:
    """Reasons with their numbers, the most frequent first."""
    return ", ".join(f"{reason} {number}" for reason, number in largest(rejected))


def largest(numbers: dict[str, Any]) -> list[tuple[str, int]]:
    """Names by their numbers, the largest first."""
    return sorted(numbers.items(), key=lambda item: (-item[1], item[0]))


def nothing_made(manifest: Manifest, output: str) -> list[str]:
    """Lines that say that no sample came out, why, and where to look; none where one did."""
    if any(shard.samples for shard in manifest.shards):
        return []
    losses = [_loss(count) for count in manifest.stages if count.rejected]
    return [
        f"no sample came out: {'; '.join(losses) or 'no stage had anything to reject'}",
        f"why, item by item: {output}/decisions, {output}/report/index.html, or "
        f"python -m pipeline.explain --output {output} --find URL",
    ]


def _loss(count: StageCount) -> str:
    items = f"{count.read - count.kept} of {count.read} {count.kind}s"
    return f"{count.name} dropped {items} ({by_reason(count.rejected)})"
