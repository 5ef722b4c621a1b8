"""Small stand-ins made by code: an open_clip tower, language models, shards of every corpus."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.recipe import (
    CorporaRecipe,
    CorpusRecipe,
    CrossAttentionRecipe,
    LanguageRecipe,
    OptimRecipe,
    PixelsRecipe,
    ResamplerRecipe,
    RunRecipe,
    TrainRecipe,
    VisionRecipe,
    WindowRecipe,
)

WORDS = [
    "a",
    "the",
    "red",
    "green",
    "blue",
    "circle",
    "square",
    "triangle",
    "is",
    "on",
    "of",
    "in",
    "left",
    "right",
    "above",
    "below",
    "two",
    "three",
    "four",
    "page",
    "about",
    "shapes",
    "here",
    "we",
    "see",
    "it",
    "and",
    "then",
    "small",
    "large",
    "under",
    "sky",
]
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random ViT of 32 px, saved as open_clip's local-dir."""
    import open_clip
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip")
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1}
    cfg = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}
    torch.manual_seed(0)
    model = open_clip.CLIP(**{**cfg, "vision_cfg": vision, "text_cfg": text})
    preprocess = {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.25, 0.25]}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": cfg, "preprocess_cfg": preprocess})
    )
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def save_tokenizer(folder: Path) -> int:
    """A word-level tokenizer; how many tokens it has."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<s>", "</s>", "<unk>", "\n", *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(folder)
    return len(vocabulary)


@pytest.fixture(scope="session")
def lm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with a tokenizer of some forty words."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("lm")
    size = save_tokenizer(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        bos_token_id=0,
        eos_token_id=1,
    )
    lm = LlamaForCausalLM(config)
    lm.lm_head.weight.data.mul_(20)  # or no hidden state could say anything with confidence
    lm.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def toy_recipe(clip_folder: Path, lm_folder: Path) -> TrainRecipe:
    """A recipe that trains on the stand-ins in milliseconds."""
    corpus = CorpusRecipe(batch=3, weight=1.0, tokens=16)
    return TrainRecipe(
        vision=VisionRecipe(f"local-dir:{clip_folder}"),
        language=LanguageRecipe(str(lm_folder)),
        resampler=ResamplerRecipe(layers=1, dim=16, heads=2, head_dim=8, latents=4),
        cross_attention=CrossAttentionRecipe(heads=2, head_dim=8),
        window=WindowRecipe(tokens=48, images=3),
        pixels=PixelsRecipe(frames=4, fps=2.0),
        corpora=CorporaRecipe(
            replace(corpus, tokens=48),
            replace(corpus, weight=0.2),
            replace(corpus, weight=0.2),
            replace(corpus, weight=0.03),
        ),
        optim=OptimRecipe(learning_rate=1e-2, warmup_steps=2),
        run=RunRecipe(steps=4, checkpoint_every=2, max_bad_share=0.5),
    )


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (48, 32)) -> bytes:
    """A JPEG of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def mp4(colours: list[tuple[int, int, int]], seconds_each: int = 1) -> bytes:
    """A video that shows some colours, one second or so each, at 8 fps."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=8)
        track.width, track.height, track.pix_fmt = 32, 32, "yuv420p"
        for colour in colours:
            picture = np.full((32, 32, 3), colour, dtype=np.uint8)
            for _ in range(8 * seconds_each):
                container.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(track.encode())
    return stream.getvalue()


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> Path:
    """A tar of the given members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def page_members(key: str, parts: list[str | tuple[int, int, int]]) -> list[tuple[str, bytes]]:
    """A sequence's members from texts and colours."""
    record: list[dict[str, object]] = []
    images: list[tuple[str, bytes]] = []
    for part in parts:
        if isinstance(part, str):
            record.append({"kind": "text", "text": part, "role": "paragraph", "sentences": []})
        else:
            name = f"{key}.{len(images)}.jpg"
            images.append((name, jpeg(part)))
            record.append({"kind": "image", "file": name, "alt": "", "scores": []})
    head = {"schema": "m3w/1", "url": f"http://example.org/{key}", "title": "", "language": "en"}
    body = json.dumps({**head, "parts": record}).encode()
    return [(f"{key}.json", body), *images]


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Globs of small shards of all four corpora."""
    root = tmp_path_factory.mktemp("shards")
    names = list(COLOURS)
    for shard in range(2):
        pages, pairs, videos = [], [], []
        for n in range(8):
            key = f"{shard}{n}" + "ab" * 7
            one, two = names[n % 3], names[(n + 1) % 3]
            parts: list[str | tuple[int, int, int]] = [
                "we see the page about shapes " * (1 + n),
                COLOURS[one],
                f"{one} circle",
                COLOURS[two],
                f"{two} square",
            ]
            pages += page_members(key, parts)
            pair = [(f"{key}.txt", f"a {one} circle".encode()), (f"{key}.json", b"{}")]
            pairs += [(f"{key}.jpg", jpeg(COLOURS[one])), *pair]
            if n < 3:
                videos += [(f"{key}.mp4", mp4([COLOURS[one], COLOURS[two]])), *pair]
        write_tar(root / "m3w" / f"m3w-{shard:06d}.tar", pages)
        write_tar(root / "align" / f"align-{shard:06d}.tar", pairs)
        write_tar(root / "ltip" / f"ltip-{shard:06d}.tar", pairs)
        write_tar(root / "vtp" / f"vtp-{shard:06d}.tar", videos)
    return {name: str(root / name / "*.tar") for name in ("m3w", "align", "ltip", "vtp")}


@pytest.fixture
def no_resource_leak() -> Iterator[None]:
    """Fails a test that leaves threads behind."""
    import threading

    before = set(threading.enumerate())
    yield
    assert not [t for t in threading.enumerate() if t not in before and t.is_alive()]


@pytest.fixture(scope="session")
def three_colours() -> bytes:
    """A video of three seconds: red, green, blue."""
    return mp4(list(COLOURS.values()))


@pytest.fixture(scope="session")
def make_tar() -> Callable[[Path, list[tuple[str, bytes]]], Path]:
    """Writes members to a tar: tests cannot import one another in this layout."""
    return write_tar


@pytest.fixture(scope="session")
def make_page() -> Callable[..., list[tuple[str, bytes]]]:
    """The members of a sequence made of texts and colours."""
    return page_members


@pytest.fixture(scope="session")
def make_video() -> Callable[..., bytes]:
    """A video of some colours, so many seconds each."""
    return mp4
