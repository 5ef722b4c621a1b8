"""Media behind URLs, fetched politely: each with its bytes or the reason why not.

`fetch_many` is for callers with an event loop; `Fetcher` brings a loop of its own, in a thread, for
callers without one.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, Self, TypeVar

from pipeline.media.addresses import parse_networks
from pipeline.media.checks import FetchChecks
from pipeline.media.crawl import Crawl
from pipeline.media.opener import Opener, open_aiohttp
from pipeline.media.outcome import FetchLimits, Outcome
from schemas.rejection import Reason, Why

__all__ = ["FetchLimits", "Fetcher", "Outcome", "fetch_many"]

T = TypeVar("T")

_LOOKUPS = 32  # host names looked up at once: a look-up blocks its thread
_log = logging.getLogger(__name__)


async def fetch_many(
    urls: Iterable[str], limits: FetchLimits, opener: Opener | None = None
) -> AsyncIterator[Outcome]:
    """What comes of each of some URLs, each once, in the order in which they end.

    Args:
        urls: absolute; what is not http or https is a `bad_url`.
        limits: of politeness, time and bytes.
        opener: asks for one URL; by default aiohttp.
    """
    if limits.offline:
        for url in dict.fromkeys(urls):
            yield _offline(url)
        return
    async with AsyncExitStack() as stack:
        crawl = await _open_crawl(stack, limits, opener)
        async for outcomes in crawl.stream(urls):
            for outcome in outcomes:
                yield outcome


class Fetcher:
    """A fetcher for code without an event loop, such as a DoFn: start, fetch, stop.

    Hosts' rules and connections are kept from one call to the next.
    """

    def __init__(
        self,
        limits: FetchLimits,
        opener: Opener | None = None,
        checks: FetchChecks | None = None,
        turns: str = "",
    ) -> None:
        """A fetcher.

        Args:
            limits: of politeness, time and bytes.
            opener: asks for one URL; by default aiohttp.
            checks: of URLs and bodies.
            turns: a folder in which processes share the turns of hosts; "" for none.
        """
        self._limits = limits
        self._turns = turns
        self._checks = checks
        self._opener = opener
        self._started = False
        self._stack = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._crawl: Crawl | None = None

    def start(self) -> None:
        """Make ready; the event loop starts with the first URL, for many builds fetch nothing."""
        self._started = True

    def fetch(self, urls: Sequence[str]) -> list[Outcome]:
        """One outcome for each URL, in their order; all bodies are in memory at once."""
        outcomes = {outcome.url: outcome for outcome in self.stream(urls)}
        return [outcomes[url] for url in urls]

    def stream(
        self, urls: Iterable[str], kinds: Mapping[str, str] | None = None
    ) -> Iterator[Outcome]:
        """What comes of each URL, each once, in the order in which they end; few wait in memory.

        Args:
            urls: absolute.
            kinds: what they are asked for as, where a check depends on it: page, image, video.
        """
        if not self._started:
            raise RuntimeError("a Fetcher is started before it fetches")
        once = dict.fromkeys(urls)
        if self._limits.offline:
            yield from map(_offline, once)
            return
        if not once:
            return
        outcomes = self._opened().stream(once, kinds)
        try:
            while handful := self._run(_next_of(outcomes)):
                yield from handful
        finally:
            self._run(outcomes.aclose())

    def stop(self) -> None:
        """Close all connections and end the loop."""
        self._started = False
        if self._loop is None or self._thread is None:
            return
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = self._crawl = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _opened(self) -> Crawl:
        """The crawl, in a loop that runs."""
        if self._crawl is not None:
            return self._crawl
        if not any(mark in self._limits.user_agent for mark in ("@", "://")):
            _log.warning("[fetch] user_agent names no contact: hosts may turn such clients away")
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_LOOKUPS, "look-up"))
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
        self._thread.start()
        self._crawl = self._run(
            _open_crawl(self._stack, self._limits, self._opener, self._checks, self._turns)
        )
        return self._crawl

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _open_crawl(
    stack: AsyncExitStack,
    limits: FetchLimits,
    opener: Opener | None,
    checks: FetchChecks | None = None,
    turns: str = "",
) -> Crawl:
    """A crawl in the running loop that ends with the stack."""
    if opener is None:
        allowed = parse_networks(limits.allowed_private)
        opener = await stack.enter_async_context(
            open_aiohttp(limits.user_agent, allowed, limits.connections)
        )
    crawl = Crawl(limits, opener, checks, turns)
    stack.push_async_callback(crawl.close)
    return crawl


async def _next_of(outcomes: AsyncIterator[list[Outcome]]) -> list[Outcome]:
    return await anext(outcomes, [])


def _offline(url: str) -> Outcome:
    return Outcome(url, url, 0, None, "", Why(Reason.OFFLINE, detail="fetch.offline"), 0.0)
