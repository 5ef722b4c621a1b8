"""Finding weights without loading them."""

import hashlib
import json
import subprocess
import sys

import pytest

from model.weights.locate import TINY_CLIP, ClipUnavailable, locate_clip, weight_digest


def folder_with(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(json.dumps({"of": name}))
    return f"local-dir:{folder}"


def test_a_folder_gives_the_file_that_open_clip_would_take(tmp_path):
    names = ("pytorch_model.bin", "model.safetensors", "open_clip_config.json")
    files = locate_clip(folder_with(tmp_path, *names))
    assert files.weights.name == "model.safetensors"
    assert files.architecture == f"local-dir:{tmp_path}"
    assert files.brings_weights


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ClipUnavailable, match="has no weight file"):
        locate_clip(folder_with(tmp_path, "open_clip_config.json"))


def test_embedded_is_the_packages_folder():
    files = locate_clip("embedded")
    assert files.weights == TINY_CLIP / "open_clip_model.safetensors"
    assert files.brings_weights


def test_the_digest_is_what_sha256sum_prints(tmp_path):
    files = locate_clip(folder_with(tmp_path, "open_clip_config.json", "model.safetensors"))
    assert weight_digest(files) == hashlib.sha256(files.weights.read_bytes()).hexdigest()


def test_a_file_takes_the_named_architecture(tmp_path):
    weights = tmp_path / "some.pt"
    weights.write_bytes(b"x")
    files = locate_clip("ViT-B/32", str(weights))
    assert (files.architecture, files.weights, files.tag) == ("ViT-B-32", weights, {})
    assert not files.brings_weights


def test_a_tag_in_the_cache_needs_no_network(tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def cached(repository, name):
        asked.append((repository, name))
        return str(tmp_path / name) if name.endswith(".bin") else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    files = locate_clip("ViT-B-32", "laion2b_s34b_b79k")
    assert files.weights == tmp_path / "open_clip_pytorch_model.bin"
    assert files.tag["resize_mode"] == "shortest"
    repository = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert asked == [
        (repository, "open_clip_model.safetensors"),
        (repository, "open_clip_pytorch_model.bin"),
    ]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"open_clip_model.safetensors": "got"}, "open_clip_model.safetensors"),
        ({"open_clip_pytorch_model.bin": "got"}, "open_clip_pytorch_model.bin"),
        ({}, "has none of open_clip_model.safetensors, open_clip_pytorch_model.bin"),
    ],
)
def test_safetensors_are_preferred_on_the_hub(monkeypatch, tmp_path, answers, expected):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

    assert not issubclass(LocalEntryNotFoundError, RemoteEntryNotFoundError)

    def download(repository, name):
        if name not in answers:
            raise huggingface_hub.errors.EntryNotFoundError(f"no {name}")
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr("model.weights.locate._probe_hub", lambda *_: None)
    if answers:
        assert locate_clip("ViT-B-32", "laion2b_s34b_b79k").weights.name == expected
    else:
        with pytest.raises(ClipUnavailable, match=expected):
            locate_clip("ViT-B-32", "laion2b_s34b_b79k")


def test_a_folder_is_found_without_torch():
    code = (
        "import sys; from model.clip import clip_digest; clip_digest('embedded'); "
        "sys.exit(bool({'torch', 'open_clip', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_open_clip_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ClipUnavailable, match=r"pip install 'open-m3w\[model\]'"):
        locate_clip("ViT-B-32", "openai")
