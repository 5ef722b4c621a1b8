"""Forty spellings of forbidden addresses, three ways in; a listener counts who gets through."""

import asyncio
import socket
import threading
import time
from dataclasses import replace

import pytest
from aiohttp.abc import AbstractResolver

from pipeline.media.addresses import parse_networks
from pipeline.media.fetch import Fetcher, fetch_many
from pipeline.media.opener import open_aiohttp
from schemas.rejection import Reason

SPELLINGS = """
    127.0.0.1 127.0.0.2 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0x7f.0x0.0x0.0x1 0177.0.0.1
    0177.1 017700000001 00177.0.0.01 127.0.0.1. 0 0.0.0.0 0x0 localhost LOCALHOST localhost.
    [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:0001]
    [::127.0.0.1] [::1%25lo] [64:ff9b::7f00:1] [2002:7f00:1::] [2002:7f00:0001::1]
    ①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127%2e0.0.1 169.254.169.254 2852039166 0xa9fea9fe
    [::ffff:169.254.169.254] [fd00:ec2::254] [fe80::1] 10.0.0.1 192.168.1.1 172.16.0.1 100.100.100.200
    user@127.0.0.1 example.org@127.0.0.1 127.0.0.1:80@127.0.0.1
""".split()  # noqa: SIM905 - a table is read more easily than a list

REFUSALS = {Reason.FORBIDDEN_ADDRESS, Reason.BAD_URL, Reason.UNRESOLVED_HOST}


@pytest.fixture
def listener():
    """The port of a listener on every address of this machine, and whom it heard."""
    heard = []
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)

    def listen():
        while True:
            try:
                connection, peer = server.accept()
            except OSError:
                return
            heard.append(peer)
            connection.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield server.getsockname()[1], heard
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_the_listener_hears_who_comes(listener):
    port, heard = listener
    socket.create_connection(("127.0.0.2", port)).close()
    socket.create_connection(("::1", port)).close()
    deadline = time.monotonic() + 5
    while len(heard) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(heard) == 2


def test_direct(listener, limits):
    port, heard = listener
    assert len(SPELLINGS) >= 40
    urls = [f"http://{host}:{port}/" for host in SPELLINGS]
    with Fetcher(replace(limits, allowed_private=())) as fetcher:
        outcomes = fetcher.fetch(urls)
    assert {outcome.why.reason for outcome in outcomes} <= REFUSALS
    assert heard == []


def test_by_redirect(other_server, listener, limits):
    port, heard = listener
    urls = [
        other_server.say(
            f"/{n}", status=302, Location=f"http://{host}:{port}/".encode().decode("latin-1")
        )
        for n, host in enumerate(SPELLINGS)
    ]
    with Fetcher(replace(limits, allowed_private=("127.0.0.77",))) as fetcher:
        outcomes = fetcher.fetch(urls)
    assert {outcome.why.reason for outcome in outcomes} <= REFUSALS
    assert len(other_server.paths()) == len(SPELLINGS)
    assert heard == []


def test_by_a_resolver_that_changes_its_answer(listener, limits):
    port, heard = listener

    class Flipping(AbstractResolver):
        """Public when asked first, private ever after."""

        asked = 0

        async def resolve(self, host, port=0, family=socket.AF_INET):
            self.asked += 1
            addresses = ["203.0.113.7"] if self.asked == 1 else ["127.0.0.1"]
            return [
                {"hostname": host, "host": one, "port": port, "family": family}
                | {"proto": 0, "flags": 0}
                for one in addresses
            ]

        async def close(self):
            pass

    async def go():
        first = ("203.0.113.7",)  # stands for a public one, and answers nobody
        short = replace(
            limits,
            allowed_private=first,
            respect_robots=False,
            per_host_connections=1,
            retries=0,
            total_timeout_s=0.2,
        )
        resolver = Flipping()
        async with open_aiohttp("agent", parse_networks(first), 4, resolver) as opener:
            urls = [f"http://rebinding.example:{port}/{n}" for n in range(5)]
            whys = [outcome.why async for outcome in fetch_many(urls, short, opener)]
        return whys, resolver.asked

    whys, resolver_asked = asyncio.run(go())
    assert whys[0].reason in (Reason.TIMEOUT, Reason.CONNECTION)
    lost = {Reason.TIMEOUT, Reason.CONNECTION, Reason.FORBIDDEN_ADDRESS}
    assert {why.reason for why in whys} <= lost
    assert resolver_asked
    assert heard == []
