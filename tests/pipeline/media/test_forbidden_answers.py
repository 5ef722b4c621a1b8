"""Forbidden addresses as answers of a resolver: beside public ones, and where there were such before."""

import asyncio
import ipaddress
import socket
from dataclasses import replace

import pytest
from aiohttp.abc import AbstractResolver

from pipeline.media.addresses import parse_networks
from pipeline.media.fetch import fetch_many
from pipeline.media.opener import open_aiohttp
from schemas.rejection import Reason

PUBLIC = "127.0.0.77"  # stands for a public one, allowed by the recipe; nobody listens there
ANSWERS = """
    127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.0.0.1 10.0.0.1 10.255.255.254 172.16.0.1
    172.31.255.254 192.168.0.1 192.168.255.254 169.254.169.254 169.254.0.1 169.254.170.2 100.64.0.1
    100.100.100.200 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 224.0.0.1 239.255.255.250
    240.0.0.1 255.255.255.255 ::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
    ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2002:a9fe:a9fe:: fe80::1 fec0::1
    fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2001::1 100::1
""".split()  # noqa: SIM905 - a table is read more easily than a list


def answer(host, port, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = {"hostname": host, "host": address, "port": port, "family": family}
    return found | {"proto": 0, "flags": 0}


class Telling(AbstractResolver):
    """Gives each host the addresses of a turn of its own: the first time, the second, and so on."""

    def __init__(self, turns):
        self.turns, self.asked = turns, {}

    async def resolve(self, host, port=0, family=socket.AF_INET):
        turn = self.asked[host] = self.asked.get(host, -1) + 1
        told = self.turns[host][min(turn, len(self.turns[host]) - 1)]
        return [answer(host, port, address) for address in told]

    async def close(self):
        pass


@pytest.fixture
def connected(monkeypatch):
    """Every address that any socket of this process was told to connect to."""
    addresses = []
    real = asyncio.selector_events.BaseSelectorEventLoop.sock_connect

    async def connect(self, sock, address):
        addresses.append(str(ipaddress.ip_address(address[0].partition("%")[0])))
        return await real(self, sock, address)

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", connect)
    return addresses


def whys_of(limits, turns, times=1):
    async def go():
        quick = replace(
            limits,
            allowed_private=(PUBLIC,),
            respect_robots=False,
            respect_tdm=False,
            retries=0,
            total_timeout_s=0.15,
            max_host_failures=99,
        )
        resolver = Telling(turns)
        networks = parse_networks(quick.allowed_private)
        found = []
        for _ in range(times):  # a session remembers an answer for minutes
            async with open_aiohttp("agent", networks, 200, resolver) as opener:
                urls = [f"http://{host}:18089/" for host in turns]
                found.append({o.url: o.why async for o in fetch_many(urls, quick, opener)})
        return found, resolver

    return asyncio.run(go())


def test_each_alone_is_refused(limits, connected):
    assert len(ANSWERS) >= 40
    turns = {f"h{n}.example": [[address]] for n, address in enumerate(ANSWERS)}
    (whys,), _ = whys_of(limits, turns)
    assert {why.reason for why in whys.values()} == {Reason.FORBIDDEN_ADDRESS}
    assert connected == []


@pytest.mark.parametrize("first", [True, False])
def test_each_beside_a_public_one_is_never_connected_to(limits, connected, first):
    pairs = [[address, PUBLIC] if first else [PUBLIC, address] for address in ANSWERS]
    turns = {f"h{n}.example": [pair] for n, pair in enumerate(pairs)}
    whys_of(limits, turns)
    assert set(connected) <= {PUBLIC}


def test_each_behind_a_public_one_is_never_connected_to(limits, connected):
    """The name is asked again for the next request, and has another address by then."""
    turns = {f"h{n}.example": [[PUBLIC], [address]] for n, address in enumerate(ANSWERS)}
    (first, second), resolver = whys_of(limits, turns, times=2)
    assert {why.reason for why in first.values()} == {Reason.CONNECTION}
    assert set(connected) == {PUBLIC}
    assert {why.reason for why in second.values()} == {Reason.FORBIDDEN_ADDRESS}
    assert len(connected) == len(turns)
    assert set(resolver.asked.values()) == {1}
