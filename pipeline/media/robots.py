"""What a host's robots.txt lets us fetch, by RFC 9309."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protego import Protego

MAX_ROBOTS_BYTES = 500 * 1024
"""RFC 9309, 2.5: a parser reads at least 500 KiB; what stands behind that is not read."""

_TOO_MANY_REQUESTS = 429
_AGENT_LINE = re.compile(r"\s*user[- ]?agent\s*[:\s]\s*([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """A host's rules for one crawler.

    Attributes:
        agent: the crawler's product token.
        rules: the parsed file; None where there is none to parse.
        otherwise: what holds for every path without rules.
    """

    agent: str
    rules: "Protego | None" = None
    otherwise: bool = True

    def allows(self, url: str) -> bool:
        """Whether the crawler may fetch an absolute URL of this host."""
        return self.otherwise if self.rules is None else bool(self.rules.can_fetch(url, self.agent))

    @property
    def delay_s(self) -> float:
        """Seconds that the host wants between two requests; 0 where it does not say."""
        if self.rules is None:
            return 0.0
        delay = float(self.rules.crawl_delay(self.agent) or 0)
        rate = self.rules.request_rate(self.agent)
        spacing = rate.seconds / rate.requests if rate and rate.requests > 0 else 0.0
        return max(0.0, delay, spacing)  # in this order a delay that is no number counts as 0


def product_token(user_agent: str) -> str:
    """The name that robots.txt files call a crawler by: `open-m3w` of `open-m3w/0.1 (+...)`."""
    return re.split(r"[/\s(]", user_agent.strip(), maxsplit=1)[0].lower()


def parse_robots(status: int, body: bytes, user_agent: str) -> RobotsRules:
    """The rules that an answer to `GET /robots.txt` lays down.

    RFC 9309, 2.3.1: a file is obeyed; 4xx and endless redirects mean that all is allowed; 5xx and
    no answer (status 0) that nothing is. 429 is taken for 5xx: the host asks for less, not more.
    """
    agent = product_token(user_agent)
    if 200 <= status < 300:
        from protego import Protego

        text = body[:MAX_ROBOTS_BYTES].decode("utf-8-sig", "replace")
        return RobotsRules(agent, Protego.parse(_own_groups(text, agent)))
    refused = status == _TOO_MANY_REQUESTS or not 300 <= status < 500
    return RobotsRules(agent, otherwise=not refused)


def _own_groups(text: str, agent: str) -> str:
    """The file with every group for other crawlers under one name.

    A file may name 10,000 crawlers above 10,000 rules, and Protego keeps each rule for each.
    """
    return "\n".join(_own_line(line, agent) for line in text.splitlines())


def _own_line(line: str, agent: str) -> str:
    named = _AGENT_LINE.match(line)
    if named is None:
        return line
    name = product_token(named[1])
    return f"User-agent: {name if name in ('*', agent) else 'other'}"
