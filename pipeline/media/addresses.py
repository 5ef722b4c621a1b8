"""Addresses that a page must not make us connect to, and a resolver that hands out no others.

A page names any host it likes, and a host any address: without this, `<img src>` reads the cloud's
metadata service. The address that was judged is the address that is connected to; a second look-up
that answers differently is never made.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.rejection import Reason, Why

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver, ResolveResult

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MORE_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments; one cloud's metadata service (RFC 6890)
        "192.88.99.0/24",  # anycast of 6to4 relays (RFC 7526)
        "168.63.129.16/32",  # a cloud's host service at a public address
        "::/96",  # IPv4-compatible, deprecated (RFC 4291)
        "64:ff9b:1::/48",  # local-use translation (RFC 8215)
        "100::/64",  # discard only (RFC 6666)
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928)
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing (RFC 9602)
        "fec0::/10",  # site-local, deprecated (RFC 3879)
    )
)
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address behind NAT64 (RFC 6052)


class ForbiddenAddress(OSError):
    """Raised by the resolver for a host all of whose addresses are forbidden."""

    def __init__(self, why: Why) -> None:
        super().__init__(str(why.reason))
        self.why = why


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks that a recipe allows; a single address is a network of one.

    Raises:
        ValueError: a text is neither an address nor a network; the message names it.
    """
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def judge_address(address: Address | str, allowed: Sequence[Network] = ()) -> Why | None:
    """Why an address must not be connected to: anything that is not a public unicast address.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is judged as itself.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return Why(Reason.FORBIDDEN_ADDRESS, "not an address")
    inner = _unwrapped(ip)
    if any(one in network for one in (ip, inner) for network in allowed):
        return None
    return None if _is_public(inner) else Why(Reason.FORBIDDEN_ADDRESS, str(ip))


def _unwrapped(ip: Address) -> Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _TRANSLATED:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _is_public(ip: Address) -> bool:
    odd = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local
    return ip.is_global and not odd and not any(ip in network for network in _MORE_FORBIDDEN)


def pinned_resolver(inner: "AbstractResolver", allowed: Sequence[Network]) -> "AbstractResolver":
    """A resolver for aiohttp that leaves out the forbidden ones of another resolver's addresses."""
    from aiohttp.abc import AbstractResolver

    class PinnedResolver(AbstractResolver):
        """Public addresses of a host."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list["ResolveResult"]:
            """The addresses that may be connected to; raises ForbiddenAddress where none is."""
            found = await inner.resolve(host, port, family)
            answers = [(one, judge_address(one["host"], allowed)) for one in found]
            public = [one for one, why in answers if why is None]
            if answers and not public:
                raise ForbiddenAddress(answers[0][1] or Why(Reason.FORBIDDEN_ADDRESS))
            return public

        async def close(self) -> None:
            """Close the resolver within."""
            await inner.close()

    return PinnedResolver()
