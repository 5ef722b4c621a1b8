from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch

from model.evaluate.prefix import Prefix, read_prefix
from model.evaluate.search import say_best
from model.flamingo import Flamingo
from model.windows import Vocabulary


def all_answers(vocabulary: int, most: int, eoc: int) -> list[tuple[int, ...]]:
    """Every answer that ends by `most` tokens, and every one cut there."""
    ended = [
        (*text, eoc) for length in range(most) for text in product(range(vocabulary), repeat=length)
    ]
    return ended + list(product(range(vocabulary), repeat=most))


@pytest.mark.parametrize(
    ("beams", "vocabulary", "most"), [(3, 2, 2), (3, 2, 1), (27, 3, 4), (16, 2, 5)]
)
@pytest.mark.parametrize("grey", [0, 60, 130, 255])
def test_the_best_of_all_answers_is_found(
    beams: int,
    vocabulary: int,
    most: int,
    grey: int,
    make_model: Callable,
    latents_of: Callable,
    whole_pass: Callable[..., torch.Tensor],
) -> None:
    """Beams so wide that nothing is lost: three of them where there are three ways to go on."""
    model, words = make_model("Llama", vocabulary)
    latents = latents_of(model, [grey])
    tokens = [words.image, 0, 1]

    def score(answer: tuple[int, ...]) -> float:
        logp = whole_pass(model, [*tokens, *answer], latents, words)
        return sum(float(logp[len(tokens) - 1 + n, token]) for n, token in enumerate(answer))

    best = max(all_answers(vocabulary, most, words.eoc), key=score)
    found = say_best(model, read_prefix(model, tokens, latents, words), words, beams, most)
    assert found.tokens == tuple(token for token in best if token != words.eoc)
    assert found.score == pytest.approx(score(best), abs=1e-4)


def slow_search(
    logp_after: Callable[[list[int]], np.ndarray], ends: set[int], beams: int, most: int
) -> list[int]:
    """The search over whole passes without a cache, one hypothesis at a time."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for _ in range(most):
        ways = [
            (score + logp, [*text, token])
            for score, text in live
            for token, logp in enumerate(logp_after(text))
        ]
        ways.sort(key=lambda way: -way[0])
        ended += [(score, text[:-1]) for score, text in ways[:beams] if text[-1] in ends]
        live = [way for way in ways if way[1][-1] not in ends][:beams]
        if ended and max(ended)[0] >= live[0][0]:
            break
    return max([*ended, *live], key=lambda one: one[0])[1]


@pytest.mark.parametrize("beams", [1, 2, 3, 5])
@pytest.mark.parametrize("greys", [[40, 200], [0, 255], [128, 30]])
def test_a_cached_search_is_one_over_whole_passes(
    beams: int,
    greys: list[int],
    model: Flamingo,
    words: Vocabulary,
    latents_of: Callable,
    whole_pass: Callable[..., torch.Tensor],
) -> None:
    tokens = [words.bos, words.image, 5, 6, words.eoc, words.image, 7, 8]
    latents = latents_of(model, greys)

    def logp_after(text: list[int]) -> np.ndarray:
        return whole_pass(model, tokens + text, latents, words)[-1].numpy()

    prefix = read_prefix(model, tokens, latents, words)
    found = say_best(model, prefix, words, beams, max_tokens=5)
    assert list(found.tokens) == slow_search(logp_after, {words.eoc, words.eos}, beams, 5)


def test_one_beam_is_greedy(model: Flamingo, words: Vocabulary, latents_of: Callable) -> None:
    tokens = [words.bos, words.image, 5, 6]
    answers = set()
    for grey in (0, 50, 100, 150, 200, 250):
        prefix = read_prefix(model, tokens, latents_of(model, [grey]), words)
        pixels = torch.full((1, 32, 32, 3), grey, dtype=torch.uint8)
        greedy = model.generate(tokens, pixels, torch.ones(1, dtype=torch.long), words, 6)
        assert list(say_best(model, prefix, words, 1, 6).tokens) == greedy
        answers.add(tuple(greedy))
    assert len(answers) > 1


def test_a_search_leaves_its_prompt_as_it_was(
    model: Flamingo, words: Vocabulary, prompt: Prefix
) -> None:
    length = prompt.branches.cache.get_seq_length()
    first = say_best(model, prompt, words, 3, 6)
    assert say_best(model, prompt, words, 3, 6) == first
    assert prompt.branches.cache.get_seq_length() == length


class Voice:
    """Stands for a model's branches: the log-probabilities of the next word, by what was said."""

    def __init__(
        self, table: dict[tuple[int, ...], list[float]], said: list[tuple[int, ...]]
    ) -> None:
        self.table, self.said = table, said

    def chosen(self, rows: list[int]) -> "Voice":
        return Voice(self.table, [self.said[row] for row in rows])

    def read(self, _: object, fresh: torch.Tensor) -> tuple[torch.Tensor, "Voice"]:
        grown = [(*said, int(token)) for said, token in zip(self.said, fresh[:, 0], strict=True)]
        rows = [self.table.get(said, [0.1, 0.1, 0.8]) for said in grown]
        return torch.tensor(rows).log()[:, None], Voice(self.table, grown)


@pytest.mark.parametrize(("beams", "said"), [(1, (0,)), (2, (1,)), (3, (1,))])
def test_more_beams_see_past_a_likely_first_word(beams: int, said: tuple[int, ...]) -> None:
    """0.6 * 0.4 to say 0 and stop, 0.4 * 0.9 to say 1 and stop: greedy does not get there."""
    table = {(0,): [0.3, 0.3, 0.4], (1,): [0.05, 0.05, 0.9]}
    first = torch.tensor([0.6, 0.4, 1e-9]).log()
    prefix = Prefix(Voice(table, [()]), first)  # type: ignore[arg-type]
    words = Vocabulary(eoc=2, image=3, bos=None, eos=None)
    assert say_best(None, prefix, words, beams, 4).tokens == said  # type: ignore[arg-type]
