"""What a host asks of us between the lines: how often, how soon again, and not at all."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pipeline.media.turns import SharedTurns
from schemas.rejection import Reason, Why

OPT_OUT_WORDS = ("noai", "noimageai", "noindex", "noimageindex", "none")
"""Directives that keep a file out of a corpus; img2dataset honours the first four. `none` stands
for noindex and nofollow."""

_SLOT_WAIT_S = 0.01
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
        delay_s: least time between the starts of two requests.
    """

    def __init__(
        self,
        connections: int,
        delay_s: float,
        clock: Callable[[], float],
        shared: SharedTurns | None = None,
    ) -> None:
        """A gate.

        Args:
            connections: requests at once.
            delay_s: least time between the starts of two requests.
            clock: in seconds; where turns are shared, the same for all who share them.
            shared: turns of the host that other processes take too.
        """
        self.delay_s = delay_s
        self._connections = connections
        self._slots = asyncio.Semaphore(connections)
        self._clock = clock
        self._turns = shared or _OwnTurns()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Held while a request runs."""
        async with self._slots:
            while (slot := self._turns.take_slot(self._connections)) is None:
                await asyncio.sleep(_SLOT_WAIT_S)
            try:
                yield
            finally:
                self._turns.leave_slot(slot)

    def hold_off(self, seconds: float) -> None:
        """Let no request start for so long: the host asked for it."""
        self._turns.hold_off(self._clock() + seconds)

    async def take_turn(self, free: asyncio.Semaphore, patience_s: float) -> float:
        """Wait for this host's turn and a free connection; the wait that is refused, or 0.

        The turn is taken when the connection is free, so that queued requests do not bunch up.
        """
        async with self._turn:
            while True:
                wait = self._turns.ready_at() - self._clock()
                if wait > patience_s:
                    return wait
                if wait > 0:
                    await asyncio.sleep(wait)
                    continue
                await free.acquire()
                if self._turns.take(self._clock(), self.delay_s):
                    return 0.0
                free.release()  # the host asked for peace, or somebody else was quicker


class _OwnTurns:
    """A host's turns in one process."""

    def __init__(self) -> None:
        self._ready_at = -math.inf

    def ready_at(self) -> float:
        return self._ready_at

    def take(self, now: float, delay_s: float) -> bool:
        if now < self._ready_at:
            return False
        self._ready_at = now + delay_s
        return True

    def hold_off(self, until: float) -> None:
        self._ready_at = max(self._ready_at, until)

    def take_slot(self, slots: int) -> int | None:
        return slots

    def leave_slot(self, slot: int) -> None:
        del slot
