from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from model.batches import Batch
from model.mixture import Mixture, MixtureState
from model.packing import Rows
from model.reader import CorpusError, Position


@dataclass
class Counting:
    """A reader whose batches say where they began."""

    name: str
    samples: int = 10
    closed: bool = False
    broken_at: int = -1

    def begin(self, position: Position, rank: int, size: int) -> "Full":
        if position.index == self.broken_at:
            raise CorpusError(f"{self.name} is broken")
        return Full(self.name, position)

    def close(self) -> None:
        self.closed = True


@dataclass
class Full:
    """A batch that nothing has to be read for."""

    name: str
    position: Position
    full: bool = True

    def batch(self) -> Batch:
        at = np.array([[self.position.index]])
        rows = Rows(at, at, at, at, at, np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64))
        return Batch(self.name, (rows,), 1, 1, Counter(), Position(0, self.position.index + 1))


def names(mixture: Mixture, draws: int) -> list[list[tuple[str, int]]]:
    return [
        [(batch.corpus, int(batch.passes[0].tokens_BL[0, 0])) for batch in mixture.draw().batches]
        for _ in range(draws)
    ]


@pytest.fixture
def readers() -> dict[str, Counting]:
    return {name: Counting(name) for name in ("m3w", "align", "vtp")}


def test_accumulation_draws_from_every_corpus(readers: dict[str, Counting]) -> None:
    mixture = Mixture(readers, "accumulate")
    assert names(mixture, 2) == [
        [("m3w", 0), ("align", 0), ("vtp", 0)],
        [("m3w", 1), ("align", 1), ("vtp", 1)],
    ]
    mixture.close()
    assert all(reader.closed for reader in readers.values())


def test_round_robin_draws_from_one_after_the_other(readers: dict[str, Counting]) -> None:
    mixture = Mixture(readers, "round_robin")
    drawn = [batches[0] for batches in names(mixture, 4)]
    assert drawn == [("m3w", 0), ("align", 0), ("vtp", 0), ("m3w", 1)]
    mixture.close()


@pytest.mark.parametrize("schedule", ["accumulate", "round_robin"])
def test_a_mixture_goes_on_from_any_state(readers: dict[str, Counting], schedule: str) -> None:
    whole = Mixture(readers, schedule)
    names(whole, 3)
    state: MixtureState = whole.draw().after
    rest = names(whole, 3)
    again = Mixture(readers, schedule, state)
    assert names(again, 3) == rest
    whole.close()
    again.close()


def test_an_error_of_the_reader_comes_out_when_its_turn_comes(
    readers: dict[str, Counting],
) -> None:
    readers["vtp"].broken_at = 1
    mixture = Mixture(readers, "accumulate")
    mixture.draw()
    with pytest.raises(CorpusError, match="vtp is broken"):
        mixture.draw()
    mixture.close()


@pytest.mark.parametrize("schedule", ["accumulate", "round_robin"])
def test_a_check_finds_a_corpus_that_no_first_draw_needs(
    schedule: str, readers: dict[str, Counting]
) -> None:
    mixture = Mixture(readers, schedule)
    mixture.check()
    assert names(mixture, 1)[0][0] == ("m3w", 0)  # and takes nothing away
    mixture.close()
    readers["vtp"].broken_at = 0
    mixture = Mixture(readers, schedule)
    with pytest.raises(CorpusError, match="vtp is broken"):
        mixture.check()
    mixture.close()
