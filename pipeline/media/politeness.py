"""What a host asks of us between the lines: how often, how soon again, and not at all."""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from schemas.rejection import Reason, Why

OPT_OUT_WORDS = ("noai", "noimageai", "noindex", "noimageindex", "none")
"""Directives that keep a file out of a corpus; img2dataset honours the first four. `none` stands
for noindex and nofollow."""

_WITH_VALUES = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
"""Directives that have a colon themselves; any other word before a colon is a crawler's name."""


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, in either form; None where it is neither.

    RFC 9110, 10.2.3: a number of seconds, or a date. What lies in the past is 0.
    """
    text = value.strip()
    try:
        return max(0.0, float(int(text)))
    except (ValueError, OverflowError):
        pass
    try:
        date = parsedate_to_datetime(text)
        zoned = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, (zoned - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def judge_opt_out(
    robots_tags: Iterable[str],
    tdm_reservation: str,
    agent: str,
    words: Sequence[str] = OPT_OUT_WORDS,
) -> Why | None:
    """Why a file must not be kept although it was served: its headers or its head say so.

    Args:
        robots_tags: the values of all X-Robots-Tag headers, or of a page's meta elements.
        tdm_reservation: the value of the tdm-reservation header (W3C TDMRep), or "".
        agent: our product token; a tag for another crawler does not concern us.
        words: directives that keep a file out.
    """
    if tdm_reservation.strip() == "1":
        return Why(Reason.OPT_OUT, "tdm-reservation")
    for tag in robots_tags:
        concerned = True
        for piece in tag.lower().split(","):
            name, colon, rest = piece.partition(":")
            if colon and name.strip() not in _WITH_VALUES:
                concerned = name.strip() in (agent, "*")
            word = (rest if colon else name).strip()
            if concerned and word in words:
                return Why(Reason.OPT_OUT, word)
    return None


class HostGate:
    """One host's turn-taking: so many requests at once, so long between two of them.

    Attributes:
        slots: held while a request runs.
        delay_s: least time between the starts of two requests.
    """

    def __init__(self, connections: int, delay_s: float, clock: Callable[[], float]) -> None:
        self.slots = asyncio.Semaphore(connections)
        self.delay_s = delay_s
        self._clock = clock
        self._ready_at = -math.inf
        self._turn = asyncio.Lock()

    def hold_off(self, seconds: float) -> None:
        """Let no request start for so long: the host asked for it."""
        self._ready_at = max(self._ready_at, self._clock() + seconds)

    def wait_s(self) -> float:
        """How long the next request must wait, seconds."""
        return max(0.0, self._ready_at - self._clock())

    async def take_turn(self, free: asyncio.Semaphore, patience_s: float) -> float:
        """Wait for this host's turn and a free connection; the wait that is refused, or 0.

        The turn is taken when the connection is free, so that queued requests do not bunch up.
        """
        async with self._turn:
            while (wait := self.wait_s()) > 0:
                if wait > patience_s:
                    return wait
                await asyncio.sleep(wait)
            await free.acquire()
            self._ready_at = max(self._ready_at, self._clock() + self.delay_s)
            return 0.0
