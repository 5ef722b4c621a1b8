"""What is known of a URL from an earlier fetch, and whether it still holds under the recipe.

A URL is asked for once within the recipe's age, and its failures are kept like its bytes. What the
recipe decides is judged anew from the row: a corpus must not depend on the limits of a recipe that
was there before it.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.media.addresses import judge_address, parse_networks
from pipeline.media.glance import judge_header
from pipeline.media.image import ImageLimits
from pipeline.media.outcome import FetchLimits
from pipeline.store.ledger import Retry
from schemas.rejection import Reason, Why
from schemas.tables import FetchRow, told

_SIZES = frozenset({Reason.TOO_SMALL, Reason.TOO_LARGE, Reason.ASPECT, Reason.FORMAT})
"""Reasons that the header of an image gives."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Which earlier fetches count.

    Attributes:
        since: ISO 8601 in UTC; what is older is asked for again.
        retries: failures that are asked for again.
        fetch: the recipe's limits.
        image: the same.
    """

    since: str
    retries: tuple[Retry, ...]
    fetch: FetchLimits
    image: ImageLimits


def known_row(rows: Iterable[FetchRow], kind: str, memory: Memory) -> FetchRow | None:
    """What is known of a URL by its newest row, None where it must be asked for."""
    fitting = [row for row in rows if row.kind == kind and row.time >= memory.since]
    if not fitting:
        return None
    row = max(fitting, key=lambda row: (row.time, row.ref is not None, row.reason or ""))
    if row.reason is None:
        return row if row.ref is None else _judged(row, judge_kept(row, memory))
    if any(row.reason in retry.reasons and row.time <= retry.before for retry in memory.retries):
        return None
    if Reason(row.reason) in _SIZES and row.format:
        why = judge_header(row.format, row.width, row.height, memory.image)
        return None if why is None else _judged(row, why)
    return row if _holds(row, memory.fetch) else None


def judge_kept(row: FetchRow, memory: Memory) -> Why | None:
    """Why bytes that were fetched under other limits are out under these."""
    limits = memory.fetch
    video = row.content_type.lower().startswith("video/")
    cap = limits.max_video_bytes if video else limits.max_bytes
    if row.bytes > cap:
        return Why(Reason.TOO_MANY_BYTES, row.bytes, cap)
    if row.kind == "image" and row.format:
        return judge_header(row.format, row.width, row.height, memory.image)
    return None


def _judged(row: FetchRow, why: Why | None) -> FetchRow:
    return row if why is None else replace(row, **told(why), ref=None)


def _holds(row: FetchRow, limits: FetchLimits) -> bool:
    """Whether a failure is one under these limits too."""
    bound = row.limit if row.limit is not None else 0.0
    match Reason(row.reason or ""):
        case Reason.TOO_MANY_BYTES:
            video = row.content_type.lower().startswith("video/")
            return (row.value or 0) > (limits.max_video_bytes if video else limits.max_bytes)
        case Reason.TIMEOUT:
            return limits.total_timeout_s <= bound or not bound
        case Reason.REDIRECTS:
            return limits.max_redirects <= bound
        case Reason.ROBOTS:
            return limits.respect_robots and limits.max_wait_s <= (bound or limits.max_wait_s)
        case Reason.OPT_OUT:
            return speaks(row.detail or "", limits)
        case Reason.FORBIDDEN_ADDRESS:
            return _is_forbidden(row.detail or "", limits.allowed_private)
        case _:
            return True


def speaks(word: str, limits: FetchLimits) -> bool:
    """Whether the recipe honours such an opt-out: a directive's word, or a reservation."""
    return limits.respect_tdm if word.startswith("tdm") else word in limits.opt_out_words


def _is_forbidden(address: str, allowed: Sequence[str]) -> bool:
    try:
        return judge_address(ipaddress.ip_address(address), parse_networks(allowed)) is not None
    except ValueError:
        return True
