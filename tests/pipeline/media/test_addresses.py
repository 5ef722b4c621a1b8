import asyncio
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from pipeline.media.addresses import (
    ForbiddenAddress,
    judge_address,
    parse_networks,
    pinned_resolver,
)
from schemas.rejection import Reason, Why

FORBIDDEN = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.0.1
    169.254.169.254 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
    192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::
    2002:a00:1::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1
    4000::1 2001:0:7f00:1::
"""

PUBLIC = """
    1.1.1.1 8.8.8.8 93.184.215.14 172.32.0.1 192.169.0.1 2606:4700::1111 2a00:1450:4001::200e
    ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1
"""


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_addresses_that_are_not_public_are_refused(address):
    why = judge_address(address)
    assert why is not None
    assert why.reason is Reason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_pass(address):
    assert judge_address(address) is None


def test_what_is_no_address_is_refused():
    assert judge_address("localhost") == Why(Reason.FORBIDDEN_ADDRESS, "not an address")


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "::1"])
def test_a_recipe_may_allow_some(address):
    allowed = parse_networks(["127.0.0.1", "10.1.0.0/16", "::1"])
    assert judge_address(address, allowed) is None
    assert judge_address("127.0.0.2", allowed) is not None


def test_a_network_with_host_bits_is_that_network():
    assert str(parse_networks(["10.1.2.3/16"])[0]) == "10.1.0.0/16"


def test_a_wrong_network_is_named():
    with pytest.raises(ValueError, match="intranet"):
        parse_networks(["intranet"])


class Answers(AbstractResolver):
    """A resolver whose answers change, as an attacker's does."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.closed = False

    async def resolve(self, host, port=0, family=socket.AF_INET):
        addresses = self.answers.pop(0)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in addresses
        ]

    async def close(self):
        self.closed = True


def resolve(resolver, allowed=()):
    async def go():
        found = await pinned_resolver(resolver, allowed).resolve("host", 80)
        return [one["host"] for one in found]

    return asyncio.run(go())


def test_a_resolver_leaves_out_what_is_forbidden():
    assert resolve(Answers(["127.0.0.1", "8.8.8.8", "10.0.0.1"])) == ["8.8.8.8"]
    assert resolve(Answers(["10.0.0.1"]), parse_networks(["10.0.0.0/8"])) == ["10.0.0.1"]
    assert resolve(Answers([])) == []


def test_a_host_of_forbidden_addresses_only_is_an_error():
    with pytest.raises(ForbiddenAddress) as caught:
        resolve(Answers(["127.0.0.1", "::1"]))
    assert caught.value.why == Why(Reason.FORBIDDEN_ADDRESS, "127.0.0.1")


def test_closing_closes_the_resolver_within():
    inner = Answers()
    asyncio.run(pinned_resolver(inner, ()).close())
    assert inner.closed


def test_the_judged_address_is_the_one_connected_to(server):
    """The second answer, a forbidden one, is never asked for nor used."""
    inner = Answers(["127.0.0.1"], ["127.0.0.9"], ["127.0.0.9"])
    server.say("/", b"x")

    async def go():
        resolver = pinned_resolver(inner, parse_networks(["127.0.0.1"]))
        connector = aiohttp.TCPConnector(resolver=resolver)
        closing = {"Connection": "close"}  # a connection that is kept is not resolved again
        async with aiohttp.ClientSession(connector=connector, headers=closing) as session:
            async with session.get(f"http://rebinding.example:{server.port}/") as response:
                first = await response.read()
            connector.clear_dns_cache()
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await session.get(f"http://rebinding.example:{server.port}/")
        return first

    assert asyncio.run(go()) == b"x"
    assert len(server.asked) == 1
