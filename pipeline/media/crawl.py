"""The requests of one event loop: each host's rules and turns, redirects, retries and caps.

Measured: `timeout=` of requests and httpx is per read, so that a byte every half second holds them
for ever, and every client inflates 200 KB to 200 MB without a word. Here time and bytes are capped
at each step, and each hop of a redirect is judged as if it stood on a page.
"""

import asyncio
import ipaddress
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pipeline.media.addresses import judge_address, parse_networks
from pipeline.media.body import Wire, drain, read_body, read_rules
from pipeline.media.checks import FetchChecks
from pipeline.media.glance import Seen
from pipeline.media.opener import Opener, Reply
from pipeline.media.opt_outs import TDMREP_PATH, TdmRules, parse_tdmrep
from pipeline.media.outcome import FetchLimits, Outcome
from pipeline.media.politeness import HostGate, judge_opt_out, parse_retry_after
from pipeline.media.robots import RobotsRules, parse_robots, product_token
from pipeline.media.turns import SharedTurns
from pipeline.media.urls import parse_url
from schemas.rejection import BadInput, Reason, Why

if TYPE_CHECKING:
    from yarl import URL

MAX_HOSTS = 10_000
"""Hosts whose rules and turns are kept in mind at once; the one asked longest ago goes first."""

RULES_AGE_S = 24 * 3600.0
"""RFC 9309, 2.4: a robots.txt should not be taken from a cache for longer than a day."""

_REDIRECTS = (301, 302, 303, 307, 308)
_GONE = (404, 410)
_ASK_AGAIN = (429, 500, 502, 503, 504)
_ASK_LATER = (429, 503)
_GATHER_S = 0.02  # the pause in which outcomes gather, once the first is there


@dataclass(slots=True)
class _Visit:
    """One URL on its way: where it stands, what was answered, how long it took."""

    start: str
    kind: str = ""
    of_rules: bool = False
    url: str = ""
    status: int = 0
    content_type: str = ""
    seconds: float = 0.0
    deadline_s: float = 0.0
    asked: bool = False
    wire: Wire = field(default_factory=Wire)
    seen: Seen | None = None


class _Host:
    """What is known of a host: its turns, its rules by origin, its failures in a row."""

    def __init__(self, gate: HostGate, born: float) -> None:
        self.gate = gate
        self.born = born
        self.rules: dict[str, asyncio.Task[RobotsRules | Why]] = {}
        self.reserved: dict[str, asyncio.Task[TdmRules]] = {}
        self.failures = 0
        self.last_failure = Reason.CONNECTION
        self.last_hold = _ASK_LATER[0]

    def fail(self, reason: Reason) -> None:
        self.failures += 1
        self.last_failure = reason


class Crawl:
    """Requests of one event loop: every host's rules and turns, over one opener."""

    def __init__(
        self,
        limits: FetchLimits,
        opener: Opener,
        checks: FetchChecks | None = None,
        turns: str = "",
    ) -> None:
        """A crawl; `turns` is a folder in which processes share the turns of hosts, "" for none."""
        self._limits = limits
        self._turns = turns
        self._checks = checks or FetchChecks()
        self._opener = opener
        self._allowed = parse_networks(limits.allowed_private)
        self._agent = product_token(limits.user_agent)
        self._free = asyncio.Semaphore(limits.connections)
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._clock = asyncio.get_running_loop().time

    async def fetch(self, url: str, kind: str = "") -> Outcome:
        """What comes of one URL, retries and redirects included, asked for as page, image..."""
        visit = _Visit(url, kind)
        body, why = None, None
        try:
            body = await self._persist(visit)
        except BadInput as refused:
            why = refused.why
        return Outcome(
            url,
            visit.url or url,
            visit.status,
            body,
            visit.content_type,
            why,
            visit.seconds,
            visit.wire.bytes,
            visit.seen,
        )

    async def stream(
        self, urls: Iterable[str], kinds: Mapping[str, str] | None = None
    ) -> AsyncGenerator[list[Outcome], None]:
        """What comes of each of some URLs, each once, in the order in which they end.

        They come in handfuls, since handing one to another thread costs as much as fetching it.
        Few wait: who reads slowly slows the fetching down.
        """
        queues = _by_host(urls)
        done: asyncio.Queue[Outcome | None] = asyncio.Queue(self._limits.connections)
        lanes = [
            asyncio.create_task(self._drain(queue, kinds or {}, done))
            for queue in queues
            for _ in range(min(len(queue), self._limits.per_host_connections))
        ]
        end = asyncio.gather(*lanes)
        end.add_done_callback(lambda _: _wake(done))
        try:
            while not (end.done() and done.empty()):
                if outcomes := await _handful(done):
                    yield outcomes
            await end  # raises what went wrong in a lane, if anything did
        finally:
            end.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def close(self) -> None:
        """Stop what still runs."""
        hosts = self._hosts.values()
        tasks: list[asyncio.Task[Any]] = [
            task for host in hosts for task in (*host.rules.values(), *host.reserved.values())
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(
        self, queue: deque[str], kinds: Mapping[str, str], done: "asyncio.Queue[Outcome | None]"
    ) -> None:
        while queue:
            url = queue.popleft()
            await done.put(await self.fetch(url, kinds.get(url, "")))

    async def _persist(self, visit: _Visit) -> bytes:
        """The body behind a URL, asked for again where that may help."""
        for attempt in range(self._limits.retries):
            try:
                return await self._follow(visit)
            except BadInput as refused:
                if not (visit.asked and _worth_retrying(refused.why)):
                    raise
            await asyncio.sleep(self._limits.retry_wait_s * 2**attempt)
        return await self._follow(visit)

    async def _follow(self, visit: _Visit) -> bytes:
        """The body behind a URL and its redirects, each hop judged as if it stood on a page."""
        visit.url, visit.asked = visit.start, False
        visit.deadline_s = visit.seconds + self._limits.total_timeout_s
        for _ in range(self._limits.max_redirects + 1):
            url = self._judged(visit.url)
            host = self._host_of(url)
            if not visit.of_rules:
                await self._obey(host, url)
            answer = await self._ask(host, url, visit)
            if isinstance(answer, bytes):
                return answer
            visit.url = _redirected(visit.url, answer)
        raise BadInput(Reason.REDIRECTS, self._limits.max_redirects + 1, self._limits.max_redirects)

    def _judged(self, text: str) -> "URL":
        """A URL that may be asked for; a host that is an address is judged here, names later."""
        url = parse_url(text)
        if why := self._checks.opt_outs.judge(str(url)):
            raise _bad(why)
        try:
            address = ipaddress.ip_address(url.host or "")
        except ValueError:
            return url
        if why := judge_address(address, self._allowed):
            raise _bad(why)
        return url

    def _host_of(self, url: "URL") -> _Host:
        name, now = url.raw_host or "", self._clock()
        host = self._hosts.get(name)
        if host is None or now - host.born > RULES_AGE_S:
            limits = self._limits
            shared = SharedTurns(self._turns, name) if self._turns else None
            gate = HostGate(
                limits.per_host_connections, limits.per_host_delay_s, self._clock, shared
            )
            host = self._hosts[name] = _Host(gate, now)
        self._hosts.move_to_end(name)
        if len(self._hosts) > MAX_HOSTS:
            self._hosts.popitem(last=False)
        return host

    async def _obey(self, host: _Host, url: "URL") -> None:
        """Raises BadInput where the host's own files do not let us have the URL."""
        if self._limits.respect_robots:
            await self._obey_robots(host, url)
        if self._limits.respect_tdm:
            origin = str(url.origin())
            if origin not in host.reserved:
                host.reserved[origin] = asyncio.create_task(self._load_reserved(origin))
            reserved = await asyncio.shield(host.reserved[origin])
            if reserved.reserves(url.raw_path_qs):
                raise BadInput(Reason.OPT_OUT, "tdmrep.json")

    async def _obey_robots(self, host: _Host, url: "URL") -> None:
        origin = str(url.origin())
        if origin not in host.rules:
            host.rules[origin] = asyncio.create_task(self._load_rules(origin))
        rules = await asyncio.shield(host.rules[origin])
        if isinstance(rules, Why):
            raise _bad(rules)
        if not rules.allows(str(url)):
            raise BadInput(Reason.ROBOTS, "disallow")
        if rules.delay_s > self._limits.max_wait_s:
            raise BadInput(Reason.ROBOTS, rules.delay_s, self._limits.max_wait_s)
        host.gate.delay_s = max(host.gate.delay_s, rules.delay_s)

    async def _load_reserved(self, origin: str) -> TdmRules:
        """What an origin's tdmrep.json reserves; nothing where there is none to be had."""
        visit = _Visit(origin + TDMREP_PATH, of_rules=True)
        try:
            return parse_tdmrep(200, await self._persist(visit))
        except BadInput:
            return TdmRules()

    async def _load_rules(self, origin: str) -> RobotsRules | Why:
        """The rules of an origin, or why it could not be asked for them."""
        visit = _Visit(f"{origin}/robots.txt", of_rules=True)
        try:
            body, status = await self._persist(visit), 200
        except BadInput as refused:
            if refused.why.reason in (Reason.FORBIDDEN_ADDRESS, Reason.UNRESOLVED_HOST):
                return refused.why
            if refused.why.reason in (Reason.CONNECTION, Reason.TIMEOUT):
                return refused.why
            damaged = refused.why.reason in (Reason.BAD_ENCODING, Reason.TOO_MANY_BYTES)
            body, status = b"", 0 if damaged else visit.status
        return parse_robots(status, body, self._limits.user_agent)

    async def _ask(self, host: _Host, url: "URL", visit: _Visit) -> bytes | str:
        """One request in the host's turn: the body, or the location of a redirect."""
        limits = self._limits
        async with host.gate.slot():
            if host.failures >= limits.max_host_failures:
                raise BadInput(host.last_failure, "host given up", limits.max_host_failures)
            if await host.gate.take_turn(self._free, limits.max_wait_s):
                raise BadInput(Reason.HTTP_STATUS, host.last_hold)
            begun = self._clock()
            visit.asked = True
            try:
                async with asyncio.timeout_at(begun + visit.deadline_s - visit.seconds):
                    answer = await self._read(host, url, visit)
            except TimeoutError:
                host.fail(Reason.TIMEOUT)
                raise BadInput(Reason.TIMEOUT, None, limits.total_timeout_s) from None
            except BadInput as refused:
                if refused.why.reason is Reason.CONNECTION:
                    host.fail(Reason.CONNECTION)
                raise
            finally:
                self._free.release()
                visit.seconds += self._clock() - begun
            host.failures = 0
            return answer

    async def _read(self, host: _Host, url: "URL", visit: _Visit) -> bytes | str:
        """The answer to one request, as far as it is wanted."""
        async with self._opener(url) as reply:
            visit.status = reply.status
            visit.content_type = reply.header("content-type")
            if reply.status in _ASK_LATER:
                self._hold_off(host, reply)
            location = reply.header("location")
            if reply.status in _REDIRECTS and location:
                await drain(reply, visit.wire)
                return location
            if reply.status != 200:
                await drain(reply, visit.wire)
                gone = reply.status in _GONE
                raise BadInput(Reason.NOT_FOUND if gone else Reason.HTTP_STATUS, reply.status)
            if visit.of_rules:
                return await read_rules(reply)
            return await self._take(reply, visit)

    async def _take(self, reply: Reply, visit: _Visit) -> bytes:
        """The body of an answer that nothing speaks against: its headers, its first bytes."""
        limits = self._limits
        reserved = reply.header("tdm-reservation") if limits.respect_tdm else ""
        tags = reply.header_values("x-robots-tag")
        if why := judge_opt_out(tags, reserved, self._agent, limits.opt_out_words):
            raise _bad(why)
        is_video = visit.content_type.lower().startswith("video/")
        cap = limits.max_video_bytes if is_video else limits.max_bytes
        body, visit.seen = await read_body(
            reply, cap, self._checks.glances.get(visit.kind), visit.wire
        )
        if visit.seen and visit.seen.why:
            raise _bad(visit.seen.why)
        return body

    def _hold_off(self, host: _Host, reply: Reply) -> None:
        host.last_hold = reply.status
        pause = parse_retry_after(reply.header("retry-after"), datetime.now(UTC))
        if pause is not None:
            host.gate.hold_off(pause)
        elif reply.status == _ASK_LATER[0]:
            host.gate.hold_off(self._limits.retry_wait_s)


async def _handful(done: "asyncio.Queue[Outcome | None]") -> list[Outcome]:
    """The outcomes that are there, once one is there; a mark that no more will come is left out."""
    first = await done.get()
    if first is None:
        return []
    await asyncio.sleep(_GATHER_S)
    rest = [done.get_nowait() for _ in range(done.qsize())]
    return [outcome for outcome in (first, *rest) if outcome is not None]


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise BadInput(Reason.BAD_URL, "redirect") from None


def _wake(done: "asyncio.Queue[Outcome | None]") -> None:
    """Let a reader of an empty queue see that no lane is left."""
    if done.empty():
        done.put_nowait(None)


def _bad(why: Why) -> BadInput:
    return BadInput(why.reason, why.value, why.limit, why.detail)


def _worth_retrying(why: Why) -> bool:
    return why.reason is Reason.CONNECTION or (
        why.reason is Reason.HTTP_STATUS and why.value in _ASK_AGAIN
    )


def _by_host(urls: Iterable[str]) -> list[deque[str]]:
    """The URLs, each once, in a queue a host; hosts in order of their first URL.

    A host in two spellings has two queues, but one gate.
    """
    queues: dict[str, deque[str]] = {}
    for url in dict.fromkeys(urls):
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
        queues.setdefault(host, deque()).append(url)
    return list(queues.values())
