"""The embedded weights: they load without a network, they are small, they know the made-up web."""

from random import Random

import numpy as np
import pytest

from model.clip import load_clip
from model.weights.locate import TINY_CLIP, TINY_LM

MOST_BYTES = 6_000_000


def test_both_together_are_small():
    sizes = [path.stat().st_size for folder in (TINY_CLIP, TINY_LM) for path in folder.iterdir()]
    assert 0 < sum(sizes) <= MOST_BYTES


def test_no_path_of_a_machine_stands_in_the_files():
    for folder in (TINY_CLIP, TINY_LM):
        for path in folder.glob("*.json"):
            words = path.read_text()
            assert "_name_or_path" not in words
            assert "/tmp" not in words
            assert "/home" not in words


def test_the_figures_stand_beside_them():
    words = (TINY_CLIP.parent / "README.md").read_text()
    assert "For demonstration only" in words
    assert "--seed" in words


def drawn_scenes(count, seed):
    """Scenes that no training web holds but by chance: pictures with short descriptions."""
    scenes = pytest.importorskip("pipeline.sample_web.scenes")
    render = pytest.importorskip("pipeline.sample_web.render")
    words = pytest.importorskip("pipeline.sample_web.words")
    rng = Random(seed)
    drawn = [scenes.draw_scene(rng) for _ in range(count)]
    pictures = [render.render_scene(scene, 160, 120) for scene in drawn]
    return pictures, [words.describe_scene(scene, rng, words.Style.SHORT) for scene in drawn]


def test_true_captions_score_above_wrong_ones_on_new_scenes():
    pictures, captions = drawn_scenes(100, seed=991)
    clip = load_clip("embedded")
    scores = clip.embed_images(pictures) @ clip.embed_texts(captions).T
    wrong = scores[~np.eye(100, dtype=bool)]
    assert np.mean(np.diag(scores)[:, None] > wrong[None]) >= 0.97  # area under the ROC curve
    assert np.mean(scores.argmax(axis=1) == np.arange(100)) >= 0.5  # R@1 of 100


def test_the_language_model_reads_and_writes_english():
    transformers = pytest.importorskip("transformers")
    import torch

    tokenizer = transformers.AutoTokenizer.from_pretrained(TINY_LM)
    model = transformers.AutoModelForCausalLM.from_pretrained(TINY_LM, dtype=torch.float32).eval()
    assert model.config.model_type == "llama"
    ids = (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert len(set(ids)) == 3
    text = "A large red star on a wooden table. Größe, naïve: 12 €"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text

    def nats(words):
        row = torch.tensor([[tokenizer.bos_token_id, *tokenizer.encode(words)]])
        with torch.inference_mode():
            return float(model(input_ids=row, labels=row).loss)

    sentence = "There are two red stars on the left and a blue cup at the right."
    scrambled = " ".join(sorted(sentence.split()))
    assert nats(sentence) < 3.0
    assert nats(sentence) + 1 < nats(scrambled)


def test_both_share_one_vocabulary():
    transformers = pytest.importorskip("transformers")
    vocabularies = [
        transformers.AutoTokenizer.from_pretrained(folder).get_vocab()
        for folder in (TINY_CLIP, TINY_LM)
    ]
    assert vocabularies[0] == vocabularies[1]
    assert len(vocabularies[0]) == 2000
