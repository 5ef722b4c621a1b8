"""The encoder's rows against open_clip's own, and what a user reads when weights are missing."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from model.clip import ClipUnavailable, clip_digest, load_clip

CLIPS = ("a dog runs", "two people sit on a bench in the park and talk about the weather", "")


def make_folder(folder, pool="argmax", custom=False, causal=True):
    """A random CLIP as a local-dir folder, small enough for milliseconds."""
    open_clip = pytest.importorskip("open_clip")
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    folder.mkdir(exist_ok=True)
    eos = {"eos_id": 49407} if pool == "eos" else {}
    config = {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "layers": 1,
            "width": 32,
            "head_width": 16,
            "patch_size": 16,
        },
        "text_cfg": {
            "context_length": 24,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 2,
            "pool_type": pool,
            "no_causal_mask": not causal,
            **eos,
        },
        **({"custom_text": True} if custom else {}),
    }
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {"resize_mode": "squash"}})
    )
    model = open_clip.create_model(
        f"local-dir:{folder}", load_weights=False, force_custom_text=custom
    )
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def open_clip_rows(name, images, texts):
    """What open_clip gives when it is called as its own documentation says."""
    import open_clip
    import torch

    model, preprocess = open_clip.create_model_from_pretrained(name)
    model.eval()
    tokens = open_clip.get_tokenizer(name)(list(texts))
    with torch.inference_mode():
        pixels = torch.stack([preprocess(image) for image in images])
        return (
            model.encode_image(pixels, normalize=True).numpy(),
            model.encode_text(tokens, normalize=True).numpy(),
        )


def pictures(count=3):
    rng = np.random.default_rng(5)
    return [
        Image.fromarray(rng.integers(0, 255, (40 + 9 * k, 64, 3), dtype=np.uint8))
        for k in range(count)
    ]


@pytest.mark.parametrize(
    ("pool", "custom", "causal"),
    [
        ("argmax", False, True),
        ("argmax", True, True),
        ("eos", False, True),
        ("eos", True, True),
        ("argmax", True, False),
        ("last", True, True),
    ],
)
def test_rows_equal_open_clips_own(tmp_path, pool, custom, causal):
    name = make_folder(tmp_path, pool, custom, causal)
    encoder = load_clip(name)
    images, texts = open_clip_rows(name, pictures(), CLIPS)
    np.testing.assert_allclose(encoder.embed_images(pictures()), images, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_texts(CLIPS), texts, atol=1e-5)


def test_rows_are_unit_float32_in_the_callers_order(tmp_path, monkeypatch):
    monkeypatch.setattr("model.clip.TOKENS_AT_ONCE", {"cpu": 16})
    monkeypatch.setattr("model.clip.IMAGES_AT_ONCE", {"cpu": 2})
    encoder = load_clip(make_folder(tmp_path))
    texts = ["a long text about very many things", "a", "a much longer text than " * 9, "b c"]
    rows = encoder.embed_texts(texts)
    assert rows.dtype == np.float32
    assert rows.shape == (4, encoder.dim) == (4, 16)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, rows, strict=True):
        np.testing.assert_allclose(encoder.embed_texts([text])[0], row, atol=1e-5)
    for image, row in zip(pictures(), encoder.embed_images(pictures()), strict=True):
        np.testing.assert_allclose(encoder.embed_images([image])[0], row, atol=1e-5)


def test_nothing_in_nothing_out(tmp_path):
    encoder = load_clip(make_folder(tmp_path))
    assert encoder.embed_images([]).shape == (0, 16)
    assert encoder.embed_texts([]).shape == (0, 16)


def test_only_the_longest_text_is_paid_for(tmp_path, monkeypatch):
    encoder = load_clip(make_folder(tmp_path))
    seen = []
    block = type(encoder.model.transformer.resblocks[0])
    forward = block.forward
    monkeypatch.setattr(
        block, "forward", lambda self, x, **more: seen.append(x.shape) or forward(self, x, **more)
    )
    encoder.embed_texts(["a dog", "a big dog"])
    assert [shape[1] for shape in seen] == [4, 8]  # start, two or three words, end; by fours


def test_the_digest_is_the_files_own(tmp_path):
    import hashlib

    name = make_folder(tmp_path)
    expected = hashlib.sha256((tmp_path / "open_clip_model.safetensors").read_bytes()).hexdigest()
    assert clip_digest(name) == expected
    assert load_clip(name).digest == expected


def test_a_weight_file_is_a_pretrained(tmp_path, monkeypatch):
    open_clip = pytest.importorskip("open_clip")
    name = make_folder(tmp_path / "folder")
    config = json.loads((tmp_path / "folder" / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "TINY-32.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "TINY-32.json")
    weights = tmp_path / "folder" / "open_clip_model.safetensors"
    encoder = load_clip("TINY-32", str(weights))
    assert encoder.pretrained == str(weights)
    np.testing.assert_array_equal(encoder.embed_texts(CLIPS), load_clip(name).embed_texts(CLIPS))


def test_weights_of_another_model_are_refused(tmp_path):
    name = make_folder(tmp_path)
    path = tmp_path / "open_clip_config.json"
    path.write_text(path.read_text().replace('"width": 32, "heads"', '"width": 64, "heads"'))
    with pytest.raises(ClipUnavailable, match="does not load: text pos_embed width changed"):
        load_clip(name)


@pytest.mark.parametrize(
    ("model", "pretrained", "words"),
    [
        ("local-dir:/no/such/folder", "", "there is no folder /no/such/folder"),
        ("local-dir:/", "", "has no open_clip_config.json"),
        ("ViT-B-32", "", "no pretrained tag was given (tags: openai, "),
        ("ViT-B-32", "no_such_tag", "laion2b_s34b_b79k"),
        ("ViT-Q-99", "openai", "no model of this name"),
        ("ViT-B-23", "", "no model of this name (did you mean ViT-B-32?)"),
        ("bogus", "", "no model of this name"),
        ("embedded", "openai", "brings its own weights"),
    ],
)
def test_missing_weights_are_one_clear_error(model, pretrained, words):
    with pytest.raises(ClipUnavailable) as caught:
        load_clip(model, pretrained)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert all(way in message for way in ("local-dir:PATH", "pretrained", "embedded"))


def test_no_network_is_said_at_once(monkeypatch, tmp_path):
    import urllib.error
    import urllib.request

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    asked = []

    def refuse(request, timeout):
        asked.append(timeout)
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(ClipUnavailable, match="network does not answer"):
        load_clip("ViT-B-32", "laion2b_s34b_b79k")
    assert len(asked) == 1
    assert asked[0] <= 10


def test_damaged_weights_are_named(tmp_path):
    name = make_folder(tmp_path)
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(ClipUnavailable, match=r"open_clip_model\.safetensors does not load"):
        load_clip(name)


def test_importing_costs_no_torch():
    code = (
        "import sys, model.clip; "
        "sys.exit(bool({'torch', 'open_clip', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.shared
def test_on_real_photos_rows_equal_open_clips_and_tell_pairs_apart(shared_data, shared_weights):
    folder = shared_data / "pairs-coco-mini"
    lines = (folder / "captions.jsonl").read_text().splitlines()[:32]
    entries = [json.loads(line) for line in lines]
    images = [Image.open(folder / entry["image"]).convert("RGB") for entry in entries]
    texts = [entry["captions"][0] for entry in entries]
    name = f"local-dir:{shared_weights / 'miniclip'}"
    encoder = load_clip(name)
    image_rows, text_rows = encoder.embed_images(images), encoder.embed_texts(texts)
    own_images, own_texts = open_clip_rows(name, images, texts)
    np.testing.assert_allclose(image_rows, own_images, atol=1e-5)
    np.testing.assert_allclose(text_rows, own_texts, atol=1e-5)
    scores = image_rows @ text_rows.T
    matched, others = np.diag(scores), scores[~np.eye(len(texts), dtype=bool)]
    assert np.mean(matched[:, None] > others[None, :]) > 0.9  # the area under the ROC curve
