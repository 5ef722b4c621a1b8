import copy
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from model.flamingo import Flamingo, Inputs, inputs_of
from model.language import FrozenLanguage, load_language
from model.packing import Example, Rows, pack, place
from model.recipe import TrainRecipe, VisionRecipe
from model.vision import FrozenVision, load_vision
from model.windows import NO_LABEL, Vocabulary, Window, page_of, page_window, pair_window

CPU = torch.device("cpu")
SIDE = 32


@pytest.fixture(scope="module")
def vision(clip_folder: Path) -> FrozenVision:
    return load_vision(VisionRecipe(f"local-dir:{clip_folder}"))


@pytest.fixture(scope="module")
def words(lm_folder: Path) -> Vocabulary:
    return load_language(str(lm_folder))[2]


@pytest.fixture
def model(vision: FrozenVision, lm_folder: Path, toy_recipe: TrainRecipe) -> Flamingo:
    """A whole model with its gates a little open."""
    torch.manual_seed(0)
    model = Flamingo(vision, load_language(str(lm_folder))[0], toy_recipe).train()
    with torch.no_grad():
        for block in model.cross_attention:
            block.attention_gate.fill_(0.7)
            block.dense_gate.fill_(0.3)
    return model


def frame(colour: int) -> np.ndarray:
    return np.full((1, SIDE, SIDE, 3), colour, dtype=np.uint8)


def encode(text: str) -> list[int]:
    return [3 + len(word) for word in text.split()]


def page_example(words: Vocabulary, texts: list[str], recipe: TrainRecipe) -> Example:
    """Texts with an image between each two; image k has the colour 40 * (k + 1)."""
    parts: list[str | int] = [texts[0]]
    for image, text in enumerate(texts[1:]):
        parts += [image, text]
    limits = replace(recipe.window, p_next=0.0)
    window = page_window(page_of(parts, encode, words), limits, words, random.Random(0))
    return Example(window, tuple(frame(40 * (k + 1)) for k in window.images))


def caption(words: Vocabulary, text: str, colour: int) -> Example:
    return Example(pair_window(text, encode, words, 16, space=False), (frame(colour),))


def mean_loss(model: Flamingo, rows: Rows) -> torch.Tensor:
    return model(inputs_of(rows, CPU)) / rows.labels


def logits_of(model: Flamingo, rows: Rows) -> torch.Tensor:
    """Logits at every position, `[B, L, V + 1]`."""
    every = replace(
        rows, labels_BL=np.zeros_like(rows.labels_BL)
    )  # a target everywhere, so that all positions are asked for
    inputs = inputs_of(every, CPU)
    found: list[torch.Tensor] = []
    hook = model.language.register_forward_hook(lambda *given: found.append(given[-1]))
    model.language._leaves_logits = False  # all of them at once, as a family that caps its own
    with torch.no_grad():
        model(inputs)
    model.language._leaves_logits = None
    hook.remove()
    return found[0][0].view(*rows.tokens_BL.shape, -1)


SIZED = {"vocab_size": 61, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3}
IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
FAMILIES = {
    "Llama": transformers.LlamaConfig(**SIZED, **IDS, intermediate_size=32),
    "GPTNeoX": transformers.GPTNeoXConfig(**SIZED, **IDS, intermediate_size=32),
    "GPT2": transformers.GPT2Config(**IDS, vocab_size=61, n_embd=16, n_head=2, n_layer=3),
    "OPT": transformers.OPTConfig(**SIZED, **IDS, ffn_dim=32, word_embed_proj_dim=8),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("every", [1, 2])
def test_at_step_0_the_model_is_its_language_model(
    family: str, every: int, vision: FrozenVision, toy_recipe: TrainRecipe
) -> None:
    torch.manual_seed(0)
    lm = transformers.AutoModelForCausalLM.from_config(FAMILIES[family]).eval()
    ids = np.arange(24).reshape(2, 12) % 61
    with torch.no_grad():
        plain = lm(input_ids=torch.from_numpy(ids)).logits
    cross = replace(toy_recipe.cross_attention, every=every)
    model = Flamingo(vision, FrozenLanguage(lm), replace(toy_recipe, cross_attention=cross))
    assert len(model.cross_attention) == (3 if every == 1 else 2)
    rows = Rows(
        ids,
        np.zeros_like(ids),
        np.zeros_like(ids),
        np.tile(np.arange(12), (2, 1)),
        np.where(np.arange(12) > 3, [[0], [1]], -1),
        np.concatenate([frame(50), frame(200)]),
        np.array([1, 1]),
    )
    found = logits_of(model.train(), rows)[..., :-1]
    assert torch.allclose(found, plain, atol=1e-6)  # another shape of the last product
    model.language.head.positions_K = None
    with torch.no_grad(), model._seeing(model.latents(*_media(rows)), inputs_of(rows, CPU).gaze):
        assert torch.equal(model.language(torch.from_numpy(ids))[..., :-1], plain)


def _media(rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(rows.pixels_FHWC), torch.from_numpy(rows.frames_I)


def test_a_changed_image_changes_nothing_before_it(
    model: Flamingo, words: Vocabulary, toy_recipe: TrainRecipe
) -> None:
    example = page_example(words, ["a bb", "ccc dd", "e fff"], toy_recipe)
    other = replace(example, frames=(example.frames[0], frame(250)))
    one, two = (
        logits_of(model, place([each, caption(words, "a", 9)], [[0], [1]], SIDE))
        for each in (example, other)
    )
    second = int(np.flatnonzero(example.window.tokens_L == words.image)[1])
    changed = (one != two).any(-1)
    assert not changed[0, :second].any()
    assert changed[0, second:10].all()
    assert not changed[1].any()


def test_only_the_last_image_is_seen_directly(
    model: Flamingo, words: Vocabulary, toy_recipe: TrainRecipe
) -> None:
    rows = place([page_example(words, ["a bb", "ccc dd", "e fff"], toy_recipe)], [[0]], SIDE)
    gaze = inputs_of(rows, CPU).gaze
    latents = torch.randn(2, 4, 16)
    other = torch.stack([latents[0] + 1, latents[1]])
    y = torch.randn(*rows.tokens_BL.shape, 32)
    block = model.cross_attention[0]
    changed = (block.attend(y, latents, gaze) != block.attend(y, other, gaze)).any(-1)[0]
    assert changed.tolist() == (rows.images_BL[0] == 0).tolist()


def test_packed_is_padded(model: Flamingo, words: Vocabulary, toy_recipe: TrainRecipe) -> None:
    """Loss and every gradient, packed in rows or each window alone."""
    examples = [page_example(words, ["a bb", "ccc dd", "e fff"], toy_recipe)] + [
        caption(words, text, 30 * n) for n, text in enumerate(["a", "bb ccc", "dd e fff a", "e"])
    ]
    lengths = [len(example.window.tokens_L) for example in examples]
    packed = place(examples, pack(lengths, 32), SIDE)
    padded = place(examples, [[n] for n in range(len(examples))], SIDE)
    assert len(packed.tokens_BL) < len(padded.tokens_BL)
    grads, losses = [], []
    for rows in (packed, padded):
        model.zero_grad()
        loss = mean_loss(model, rows)
        loss.backward()
        losses.append(loss.item())
        grads.append({name: p.grad.clone() for name, p in model.trainable().items()})
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for name, grad in grads[0].items():
        assert torch.allclose(grad, grads[1][name], rtol=1e-4, atol=1e-6), name


def test_frozen_parts_get_no_gradient_and_stay_in_evaluation(
    model: Flamingo, words: Vocabulary
) -> None:
    model.train()
    mean_loss(model, place([caption(words, "a bb", 9)], [[0]], SIDE)).backward()
    frozen = {*model.vision.modules(), *model.language.modules()}
    assert not any(module.training for module in frozen)
    assert model.resampler.training
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    assert {name.split(".")[0] for name in model.trainable()} == {
        "resampler",
        "cross_attention",
        "language",
    }


def test_two_passes_in_training_are_equal(model: Flamingo, words: Vocabulary) -> None:
    rows = place([caption(words, "a bb", 9)], [[0]], SIDE)
    assert torch.equal(mean_loss(model.train(), rows), mean_loss(model, rows))


def test_the_tower_sees_as_many_frames_as_there_are_images(
    model: Flamingo, words: Vocabulary, toy_recipe: TrainRecipe
) -> None:
    examples = [
        page_example(words, ["a"] + ["bb"] * 9, toy_recipe),  # nine images, three are kept
        caption(words, "a", 1),
    ]
    rows = place(examples, [[0, 1]], SIDE)
    seen: list[int] = []
    hook = model.vision.register_forward_hook(lambda *given: seen.append(len(given[-1])))
    mean_loss(model, rows)
    hook.remove()
    assert seen == [int((rows.tokens_BL == words.image).sum())]


def spell(text: str) -> list[int]:
    """The colour that a word names, as an id; 3 for any other word."""
    return [300 + int(word[1:]) if word[0] == "c" else 3 for word in text.split()]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_image_k_is_the_kth_image_token(
    data: st.DataObject, words: Vocabulary, toy_recipe: TrainRecipe
) -> None:
    """Over random pages, windows, placements and packings: the pixels a token looks at are those
    of the image that stood there. The text after image c says c, and so do its pixels."""
    examples = []
    for _ in range(data.draw(st.integers(1, 5))):
        order = data.draw(st.lists(st.integers(0, 200), min_size=1, max_size=8, unique=True))
        parts: list[str | int] = ["x x"]
        for image, colour in enumerate(order):
            parts += [image, f"c{colour} " * data.draw(st.integers(1, 6))]
        limits = replace(
            toy_recipe.window,
            tokens=data.draw(st.integers(8, 48)),
            choice=data.draw(st.sampled_from(["random", "anchored"])),
            p_next=0.0,
        )
        big = Vocabulary(1000, 1001, words.bos, words.eos)
        rng = random.Random(data.draw(st.integers(0, 2**31)))
        window = page_window(page_of(parts, spell, big), limits, big, rng)
        examples.append(Example(window, tuple(frame(order[k]) for k in window.images)))
    rows = place(examples, pack([len(e.window.tokens_L) for e in examples], 48), SIDE)
    assert len(rows.frames_I) == np.count_nonzero(rows.tokens_BL == 1001)
    said = (rows.tokens_BL >= 300) & (rows.tokens_BL < 1000) & (rows.images_BL >= 0)
    shown = rows.pixels_FHWC[rows.images_BL[said], 0, 0, 0]
    assert shown.tolist() == (rows.tokens_BL[said] - 300).tolist()
    order_of_tokens = rows.images_BL[rows.tokens_BL == 1001].tolist()
    assert order_of_tokens == list(range(len(rows.frames_I)))


def test_videos_and_images_share_a_batch(model: Flamingo, words: Vocabulary) -> None:
    video = np.concatenate([frame(c) for c in (10, 90, 170)])
    window = pair_window("a bb", encode, words, 16, space=False)
    rows = place([Example(window, (video,)), caption(words, "e", 5)], [[0, 1]], SIDE)
    assert rows.frames_I.tolist() == [3, 1]
    assert mean_loss(model, rows).isfinite()


def test_a_batch_without_images_has_a_loss(model: Flamingo, words: Vocabulary) -> None:
    tokens = np.array([words.bos, 5, 6, 7])
    labels = np.array([5, 6, 7, NO_LABEL])
    bare = Example(Window(tokens, labels, np.full(4, -1), ()), ())
    loss = mean_loss(model, place([bare], [[0]], SIDE))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None for p in model.resampler.parameters())


def test_labels_count_and_nothing_else(model: Flamingo, words: Vocabulary) -> None:
    rows = place([caption(words, "a bb", 9)], [[0]], SIDE)
    logits = logits_of(model, rows)
    at = np.flatnonzero(rows.labels_BL[0] != NO_LABEL)
    targets = torch.from_numpy(rows.labels_BL[0, at])
    expected = torch.nn.functional.cross_entropy(logits[0, at], targets, reduction="sum")
    assert torch.allclose(model(inputs_of(rows, CPU)), expected, rtol=1e-5)


def test_ids_are_64_bit_integers_on_the_way_in(words: Vocabulary) -> None:
    inputs: Inputs = inputs_of(place([caption(words, "a", 1)], [[0]], SIDE), CPU)
    assert inputs.tokens_BL.dtype == inputs.targets_K.dtype == torch.int64
    assert inputs.pixels_FHWC.dtype == torch.uint8


def test_greedy_words_are_those_of_whole_passes(model: Flamingo, words: Vocabulary) -> None:
    prompt = [words.bos, words.image, 5, 6]
    pixels, frames = torch.from_numpy(frame(80)), torch.tensor([1])
    said = model.generate(prompt, pixels, frames, words, max_tokens=6)
    tokens = list(prompt)
    for token in said:
        ids = np.array([tokens])
        looks = np.where(np.arange(len(tokens)) > 0, 0, -1)[None]
        zeros = np.zeros_like(ids)
        rows = Rows(ids, zeros, zeros, zeros, looks, frame(80), np.array([1]))
        assert int(logits_of(model, rows)[0, -1].argmax()) == token
        tokens.append(token)
    assert said


def test_generation_depends_on_the_image(model: Flamingo, words: Vocabulary) -> None:
    with torch.no_grad():
        for block in model.cross_attention:
            block.attention_gate.fill_(3.0)
            block.to_out.weight.mul_(20)
    frames = torch.tensor([1])
    noise = [torch.randint(0, 256, (1, SIDE, SIDE, 3), dtype=torch.uint8) for _ in range(6)]
    said = {
        tuple(model.generate([words.bos, words.image], pixels, frames, words, 4))
        for pixels in noise
    }
    assert len(said) > 1


def test_frozen_parts_in_bf16_as_on_a_gpu(model: Flamingo, words: Vocabulary) -> None:
    """The types of a run on a GPU, here on the CPU: frozen in bf16, trained in float32."""
    rows = place([caption(words, "a bb", 9), caption(words, "ccc", 70)], [[0, 1]], SIDE)
    exact = mean_loss(model, rows).item()
    model.vision = copy.deepcopy(model.vision)  # other tests share it
    model.freeze_in(torch.bfloat16)
    assert all(p.dtype == torch.float32 for p in model.trainable().values())
    loss = mean_loss(model, rows)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact, rel=0.02)
    assert all(p.grad.dtype == torch.float32 for p in model.trainable().values())
    said = model.generate(
        [words.bos, words.image], torch.from_numpy(frame(9)), torch.tensor([1]), words, 2
    )
    assert len(said) <= 2
