import copy
from collections.abc import Callable

import pytest
import torch

from model.evaluate.prefix import Prefix, read_prefix
from model.evaluate.scoring import AT_ONCE, score_candidates
from model.evaluate.search import say_best
from model.flamingo import Flamingo
from model.windows import Vocabulary

FAMILIES = ["Llama", "GPTNeoX", "GPT2", "OPT"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("greys", [[], [90], [40, 200]], ids=["no image", "one", "two"])
def test_candidates_score_as_in_whole_passes(
    family: str,
    greys: list[int],
    make_model: Callable,
    latents_of: Callable,
    whole_pass: Callable[..., torch.Tensor],
) -> None:
    model, words = make_model(family, 23)
    latents = latents_of(model, greys)
    tokens = [
        3,
        *(token for n in range(len(greys)) for token in (words.image, 4 + n, words.eoc)),
        9,
    ]
    candidates = [[5, words.eoc], [7, 8, 11, words.eoc], [6, 5, words.eoc], [words.eoc]]
    prefix = read_prefix(model, tokens, latents, words)
    found = score_candidates(model, prefix, candidates)
    for candidate, score in zip(candidates, found, strict=True):
        logp = whole_pass(model, tokens + candidate, latents, words)
        after = range(len(tokens) - 1, len(tokens) - 1 + len(candidate))
        alone = sum(float(logp[at, token]) for at, token in zip(after, candidate, strict=True))
        assert score == pytest.approx(alone, abs=1e-4)


def test_the_order_of_candidates_changes_nothing(
    model: Flamingo, words: Vocabulary, prompt: Prefix
) -> None:
    one, two = [5, 6, words.eoc], [7, words.eoc]
    first = score_candidates(model, prompt, [one, two])
    assert score_candidates(model, prompt, [two, one]) == first[::-1]  # to the last bit
    assert score_candidates(model, prompt, [one, two]) == first  # the prompt is as it was
    for candidate, score in zip([one, two], first, strict=True):
        (alone,) = score_candidates(model, prompt, [candidate])
        assert score == pytest.approx(alone, abs=1e-5)
    assert score_candidates(model, prompt, [one, one]) == [pytest.approx(first[0], abs=1e-5)] * 2
    assert score_candidates(model, prompt, [[words.eoc]]) == [float(prompt.next_V[words.eoc])]


def test_the_prompt_never_grows(model: Flamingo, words: Vocabulary, prompt: Prefix) -> None:
    before = copy.deepcopy(prompt.branches.cache)
    score_candidates(model, prompt, [[5, 6, words.eoc], [7, words.eoc]])
    after = prompt.branches.cache
    assert after.get_seq_length() == before.get_seq_length()
    for then, now in zip(before.layers, after.layers, strict=True):
        assert torch.equal(then.keys, now.keys)
        assert torch.equal(then.values, now.values)


def test_more_candidates_than_go_at_once(
    model: Flamingo, words: Vocabulary, prompt: Prefix
) -> None:
    candidates = [[3 + n % 30, 4 + n // 30, words.eoc] for n in range(AT_ONCE * 2 + 3)]
    found = score_candidates(model, prompt, candidates)
    alone = [score_candidates(model, prompt, [one])[0] for one in candidates]
    assert found == pytest.approx(alone, abs=1e-4)


def test_scores_depend_on_the_last_image_and_on_those_before(
    model: Flamingo, words: Vocabulary, latents_of: Callable
) -> None:
    tokens = [words.bos, words.image, 5, 6, words.eoc, words.image, 7, 8]
    scores = {
        score_candidates(
            model, read_prefix(model, tokens, latents_of(model, greys), words), [[9, words.eoc]]
        )[0]
        for greys in ([40, 200], [40, 90], [130, 200])
    }
    assert len(scores) == 3


def test_frozen_parts_in_bf16_score_nearly_the_same(make_model: Callable) -> None:
    scores = []
    for dtype in (torch.float32, torch.bfloat16):
        model, words = make_model("Llama", 23)
        model.freeze_in(dtype)
        tokens = [3, words.image, 4, 5]
        latents = model.look(
            torch.full((1, 32, 32, 3), 90, dtype=torch.uint8), torch.ones(1, dtype=torch.long)
        )
        prefix = read_prefix(model, tokens, latents, words)
        scores.append(score_candidates(model, prefix, [[5, 7, words.eoc], [9, words.eoc]]))
        assert say_best(model, prefix, words, 3, 4).tokens
    assert scores[1] == pytest.approx(scores[0], rel=0.02)
    assert scores[1] != scores[0]
