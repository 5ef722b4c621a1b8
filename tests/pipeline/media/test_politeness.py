import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from pipeline.media.politeness import HostGate, judge_opt_out, parse_retry_after
from pipeline.media.turns import SharedTurns
from schemas.rejection import Reason, Why

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1000000000", 1e9),
        ("Mon, 04 May 2026 12:01:00 GMT", 60.0),
        ("Mon, 04 May 2026 12:01:00 -0000", 60.0),
        ("Mon, 04 May 2026 14:01:00 +0200", 60.0),
        ("Monday, 04-May-26 12:01:00 GMT", 60.0),
        ("Mon May  4 12:01:00 2026", 60.0),
        ("Mon, 04 May 2020 12:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("1.5", None),
        ("9" * 400, None),
        ("Mon, 99 May 2026 12:01:00 GMT", None),
        ("\x00", None),
    ],
)
def test_both_forms_of_retry_after(value, expected):
    assert parse_retry_after(value, NOW) == expected


@pytest.mark.parametrize(
    ("tags", "reservation", "expected"),
    [
        ([], "", None),
        (["noai"], "", "noai"),
        (["nofollow", "NoImageAI"], "", "noimageai"),
        (["nofollow, noindex"], "", "noindex"),
        (["none"], "", "none"),
        (["open-m3w: noai"], "", "noai"),
        (["*: noai"], "", "noai"),
        (["otherbot: noai, noindex"], "", None),
        (["otherbot: noai, open-m3w: noindex"], "", "noindex"),
        (["open-m3w: nofollow", "noai"], "", "noai"),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], "", "noai"),
        (["max-image-preview: large, noai"], "", "noai"),
        (["max-snippet: 10, noai"], "", "noai"),
        (["noaix, xnoai, no ai"], "", None),
        ([], "1", "tdm-reservation"),
        ([], " 1 ", "tdm-reservation"),
        ([], "0", None),
    ],
)
def test_headers_that_opt_out(tags, reservation, expected):
    why = judge_opt_out(tags, reservation, "open-m3w")
    assert why == (None if expected is None else Why(Reason.OPT_OUT, expected))


def test_turns_are_spaced_and_a_long_wait_is_refused():
    async def go():
        loop = asyncio.get_running_loop()
        gate = HostGate(2, 0.05, loop.time)
        free = asyncio.Semaphore(10)
        starts = []
        for _ in range(3):
            assert await gate.take_turn(free, 1.0) == 0.0
            starts.append(loop.time())
        gate.hold_off(100)
        gate.hold_off(1)  # a shorter wish does not undo a longer one
        assert 99 < await gate.take_turn(free, 1.0) <= 100
        return starts

    first, second, third = asyncio.run(go())
    assert second - first >= 0.045
    assert third - second >= 0.045


def test_who_waits_sees_the_host_ask_for_more():
    async def go():
        loop = asyncio.get_running_loop()
        gate = HostGate(2, 0.05, loop.time)
        free = asyncio.Semaphore(10)
        await gate.take_turn(free, 1.0)
        waiting = asyncio.create_task(gate.take_turn(free, 1.0))
        await asyncio.sleep(0.01)
        gate.hold_off(60)
        return await waiting

    assert asyncio.run(go()) > 50


@pytest.fixture(params=[False, True], ids=["alone", "shared"])
def gates(request, tmp_path):
    """Makes gates of one host; those that share their turns are as good as one."""

    def make(number, connections, delay_s):
        clock = asyncio.get_running_loop().time
        if not request.param:
            return [HostGate(connections, delay_s, clock)] * number
        turns = [SharedTurns(str(tmp_path), "a.example") for _ in range(number)]
        return [HostGate(connections, delay_s, clock, one) for one in turns]

    return make


def test_turns_are_kept_by_all_who_share_them(gates):
    async def go():
        starts = []

        async def ask(gate):
            for _ in range(3):
                assert await gate.take_turn(asyncio.Semaphore(1), 5.0) == 0.0
                starts.append(asyncio.get_running_loop().time())

        first, second = gates(2, 2, 0.04)
        await asyncio.gather(ask(first), ask(second))
        first.hold_off(60)
        assert await second.take_turn(asyncio.Semaphore(1), 5.0) > 50
        return sorted(starts)

    starts = asyncio.run(go())
    assert min(later - sooner for sooner, later in pairwise(starts)) >= 0.038


def test_slots_are_kept_by_all_who_share_them(gates):
    async def go():
        running = most = 0

        async def ask(gate):
            nonlocal running, most
            async with gate.slot():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.01)
                running -= 1

        first, second = gates(2, 2, 0.0)
        await asyncio.gather(*(ask(gate) for gate in (first, second) for _ in range(6)))
        return most

    assert asyncio.run(go()) == 2
