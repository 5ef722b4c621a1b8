"""A web server on loopback that answers as a test tells it to, and counts who asks."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from pipeline.media.outcome import FetchLimits

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Web:
    """A live server: answers by path, and the paths asked for with their times."""

    host: str = "127.0.0.1"
    port: int = 0
    answers: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    def say(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Answer a path with this; `Retry_After="1"` is the header Retry-After."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=fields)

        self.answers[path] = answer
        return self.url(path)

    def do(self, path: str, handler: Handler) -> str:
        self.answers[path] = handler
        return self.url(path)

    def paths(self) -> list[str]:
        rules = ("/robots.txt", "/.well-known/tdmrep.json")
        return [path for _, path in self.asked if path not in rules]

    def times(self, prefix: str = "/") -> list[float]:
        return [when for when, path in self.asked if path.startswith(prefix)]

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((time.monotonic(), request.path_qs))
        handler = self.answers.get(request.path_qs) or self.answers.get(request.path)
        return await handler(request) if handler else web.Response(status=404)


@pytest.fixture
def server() -> Iterator[Web]:
    with serving("127.0.0.1") as site:
        yield site


@pytest.fixture
def other_server() -> Iterator[Web]:
    """A server at an address that no other spelling of loopback leads to."""
    with serving("127.0.0.77") as site:
        yield site


@pytest.fixture
def many_servers() -> Iterator[list[Web]]:
    """Four servers at addresses of their own."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving(f"127.0.0.{number}")) for number in range(81, 85)]


@pytest.fixture
def serve() -> Iterator[Callable[[str], Web]]:
    """Starts servers at addresses of loopback."""
    with ExitStack() as stack:
        yield lambda host: stack.enter_context(serving(host))


@contextmanager
def serving(host: str) -> Iterator[Web]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    site = Web(host)

    async def begin() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(site.dispatch, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        listener = web.TCPSite(runner, host, 0)
        await listener.start()
        site.port = runner.addresses[0][1]
        return runner

    runner = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    yield site
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def limits() -> FetchLimits:
    """Limits that let loopback through and do not dawdle."""
    return FetchLimits(
        total_timeout_s=1.0,
        max_bytes=1 << 20,
        retries=1,
        retry_wait_s=0.01,
        max_wait_s=1.5,
        per_host_delay_s=0.0,
        allowed_private=("127.0.0.1",),
        user_agent="open-m3w-test/0.1 (+https://example.org/crawler)",
    )
