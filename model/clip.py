"""The CLIP encoder: images or texts in, unit float32 rows out.

The rows are open_clip's own to 1e-5 (fp32, no autocast, its own preprocessing); the text tower is
cut to the length of its texts where that changes nothing. What goes through a tower at once has
one of a few fixed shapes, so that a row depends on its image or text alone, to the last bit: not on
what else is embedded with it, nor on how many. Importing this module costs milliseconds: torch and
open_clip are imported by `load_clip`.

Shapes: B images or texts, L tokens, D numbers of an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model.clip_compute import COMPUTES, prepare, require_close
from model.clip_plugin import Scorer, is_plugin, load_plugin
from model.weights.locate import (
    CONFIG_NAME,
    ClipFiles,
    ClipUnavailable,
    locate_clip,
    weight_digest,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from open_clip import CLIP
    from open_clip.transformer import Transformer
    from PIL import Image

    Rows = npt.NDArray[np.float32]

__all__ = [
    "COMPUTES",
    "ClipEncoder",
    "ClipUnavailable",
    "Scorer",
    "clip_digest",
    "clip_setting",
    "is_plugin",
    "load_clip",
    "load_scorer",
]

IMAGES_AT_ONCE = {"cpu": 4}
"""Images that go through the tower at once, by device: on a CPU what its caches hold (measured:
tests/benchmarks/scoring.py), elsewhere as many as a task brings."""
MOST_IMAGES_AT_ONCE = 32
TOKENS_AT_ONCE = {"cpu": 256}
"""Tokens that go through the tower at once."""
MOST_TOKENS_AT_ONCE = 8192
TOKEN_STEP = 4
"""Texts are embedded with those whose lengths round up to the same multiple of this."""


@dataclass(frozen=True)
class ClipEncoder:
    """A CLIP with its preprocessing and tokenizer, in evaluation mode.

    Attributes:
        name: as it was asked for: an open_clip name, `local-dir:PATH`, or `embedded`.
        pretrained: the tag or weight file, or "".
        digest: sha256 of the weight file.
        dim: D, the numbers of an embedding.
        model: the open_clip model.
        preprocess: a PIL image to the tensor that the image tower takes.
        tokenizer: texts to a [B, context] tensor of token ids.
        device: where the towers run.
        compute: how they do: one of COMPUTES.
        encode_pixels: [B, 3, H, W] on the device to unit rows [B, D] there.
    """

    name: str
    pretrained: str
    digest: str
    dim: int
    model: CLIP
    preprocess: Callable[[Image.Image], torch.Tensor]
    tokenizer: Callable[[list[str]], torch.Tensor]
    device: str
    compute: str
    encode_pixels: Callable[[torch.Tensor], torch.Tensor]

    def embed_images(self, images: Sequence[Image.Image]) -> Rows:
        """Unit rows [B, D] of the images, in order; the images are to be RGB."""
        return self.embed_pixels([self.preprocess(image) for image in images])

    def embed_pixels(self, pixels: Sequence[torch.Tensor]) -> Rows:
        """Unit rows [B, D] of what `preprocess` gave, in order."""
        import numpy as np
        import torch

        rows = np.zeros((len(pixels), self.dim), np.float32)
        size = IMAGES_AT_ONCE.get(self.device, MOST_IMAGES_AT_ONCE)
        with torch.inference_mode():
            for start in range(0, len(pixels), size):
                part = list(pixels[start : start + size])
                batch = torch.stack(part + part[:1] * (size - len(part)))
                units = self.encode_pixels(batch.to(self.device))[: len(part)]
                rows[start : start + size] = units.float().cpu().numpy()
        return rows

    def embed_texts(self, texts: Sequence[str]) -> Rows:
        """Unit rows [B, D] of the texts, in order; a text beyond the context length is cut.

        Equal texts are embedded once, and short ones do not pay for long ones.
        """
        import numpy as np
        import torch

        if not texts:
            return np.zeros((0, self.dim), np.float32)
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        rows = np.zeros((len(numbers), self.dim), np.float32)
        tokens_BL = self.tokenizer(list(numbers))
        lengths = token_lengths(self.model, tokens_BL)
        at_once = TOKENS_AT_ONCE.get(self.device, MOST_TOKENS_AT_ONCE)
        with torch.inference_mode():
            for longest, size, part in text_batches(lengths, tokens_BL.shape[1], at_once):
                padded = torch.cat([part, part[:1].expand(size - len(part))])
                tokens = tokens_BL[padded].to(self.device)
                units = encode_tokens(self.model, tokens, lengths[padded], longest)
                rows[part.numpy()] = units[: len(part)].float().cpu().numpy()
        return rows[[numbers[text] for text in texts]]


def text_batches(
    lengths: torch.Tensor, width: int, tokens_at_once: int
) -> Iterator[tuple[int, int, torch.Tensor]]:
    """(tokens of the longest, texts of a full batch, numbers of its texts), shortest texts first.

    Both the first and the second follow from a text's own length, whatever comes with it.

    Args:
        lengths: of the texts in tokens, int64 [B].
        width: of the token table.
        tokens_at_once: a batch has at most so many, or one text.
    """
    steps = -(-lengths // TOKEN_STEP)
    for step in sorted(set(steps.tolist())):
        longest = min(width, step * TOKEN_STEP)
        size = max(1, tokens_at_once // longest)
        for part in (steps == step).nonzero()[:, 0].split(size):
            yield longest, size, part


def load_clip(
    model: str, pretrained: str = "", device: str = "cpu", compute: str = "float32"
) -> ClipEncoder:
    """The encoder of the named CLIP, ready to embed.

    Args:
        model: an open_clip name, `local-dir:PATH`, `hf-hub:OWNER/NAME`, or `embedded`.
        pretrained: an open_clip tag or a weight file's path; only with an open_clip name.
        device: where to run, as torch names it.
        compute: "float32", open_clip's own; "compiled", the same by Inductor, which takes a C++
            compiler and some ten seconds to begin; "bfloat16", weights and all, on a GPU compiled.

    Raises:
        ClipUnavailable: the weights cannot be had, do not fit the model, or cannot be computed with
            as asked: rows of `compute` must have a cosine of 0.999 or more with float32's.
    """
    import pickle

    from safetensors import SafetensorError

    files = locate_clip(model, pretrained)
    try:
        loaded = _load_model(files, device)
        tokenizer, dim = _tokenizer_and_dim(files)
    except (
        AssertionError,  # open_clip's word for position embeddings of another width
        OSError,
        RuntimeError,
        ValueError,
        SafetensorError,
        pickle.UnpicklingError,
    ) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ClipUnavailable(model, pretrained, f"{files.weights} does not load: {why}") from error
    plain = ClipEncoder(
        name=model,
        pretrained=pretrained,
        digest=weight_digest(files),
        dim=dim,
        model=loaded,
        preprocess=_preprocessing(loaded),
        tokenizer=tokenizer,
        device=device,
        compute="float32",
        encode_pixels=prepare(loaded, "float32", device)[1],
    )
    if compute == "float32":
        return plain
    prepared, encode_pixels = prepare(loaded, compute, device)
    encoder = replace(plain, model=prepared, compute=compute, encode_pixels=encode_pixels)
    require_close(encoder, plain)
    return encoder


def load_scorer(
    model: str, pretrained: str = "", device: str = "cpu", compute: str = "float32"
) -> Scorer:
    """A plug-in by `module:factory`, or else the CLIP that `load_clip` gives.

    Raises:
        ClipUnavailable: it cannot be had.
    """
    if is_plugin(model):
        return load_plugin(model, pretrained)
    return load_clip(model, pretrained, device, compute)


def clip_digest(model: str, pretrained: str = "") -> str:
    """The digest that `load_scorer` would give: sha256 of the weight file, which is not loaded.

    A plug-in is loaded, and asked.

    Raises:
        ClipUnavailable: the weights, or the plug-in, cannot be had.
    """
    if is_plugin(model):
        return load_plugin(model, pretrained).digest
    return weight_digest(locate_clip(model, pretrained))


def clip_setting(model: str, pretrained: str = "") -> str:
    """What else than its weights decides a CLIP's rows: the folder's configuration, or the names.

    Raises:
        ClipUnavailable: the weights cannot be had.
    """
    files = locate_clip(model, pretrained)
    config = files.weights.with_name(CONFIG_NAME)
    own = files.brings_weights and config.exists()
    return config.read_text("utf-8") if own else f"{files.architecture} {sorted(files.tag.items())}"


def _load_model(files: ClipFiles, device: str) -> CLIP:
    """The model in evaluation mode, built as the weights' tag asks.

    open_clip takes the activation from the architecture's name and only warns where the weights
    were trained with the other one (`ViT-B-32` with `openai`); here the tag decides.
    """
    import open_clip

    wanted = ("mean", "std", "interpolation", "resize_mode")
    model = open_clip.create_model(
        files.architecture,
        pretrained=None if files.brings_weights else str(files.weights),
        require_pretrained=True,
        device=device,
        force_preprocess_cfg={key: files.tag[key] for key in wanted if key in files.tag},
        **({"quick_gelu": bool(files.tag.get("quick_gelu"))} if files.tag else {}),
    )
    return model.eval().requires_grad_(False)


def _tokenizer_and_dim(files: ClipFiles) -> tuple[Callable[[list[str]], torch.Tensor], int]:
    import open_clip

    config = open_clip.get_model_config(files.architecture)
    return open_clip.get_tokenizer(files.architecture), int(config["embed_dim"])


def _preprocessing(model: CLIP) -> Callable[[Image.Image], torch.Tensor]:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    config = PreprocessCfg(**model.visual.preprocess_cfg)
    transform: Callable[[Image.Image], torch.Tensor] = image_transform_v2(config, is_train=False)
    return transform


def token_lengths(model: CLIP, tokens_BL: torch.Tensor) -> torch.Tensor:
    """How many tokens of each text its embedding depends on, int64 [B].

    In a causal tower that reads the text's embedding off its end token, what follows that token
    changes nothing. Any other tower keeps its full length.
    """
    import torch

    tower = getattr(model, "text", model)
    full = torch.full((len(tokens_BL),), tokens_BL.shape[1])
    if getattr(tower, "attn_mask", None) is None or getattr(tower, "cls_emb", None) is not None:
        return full
    pool = getattr(tower, "pool_type", "") or getattr(tower, "text_pool_type", "")
    if pool == "argmax":
        return tokens_BL.argmax(dim=-1) + 1
    if pool == "eos":
        eos_id = tower.eos_id if hasattr(tower, "eos_id") else tower.text_eos_id
        at_end: torch.Tensor = tokens_BL == eos_id
        return at_end.int().argmax(dim=-1) + 1
    return full


def encode_tokens(
    model: CLIP, tokens_BL: torch.Tensor, lengths: torch.Tensor, longest: int = 0
) -> torch.Tensor:
    """Unit rows [B, D]: open_clip's own text tower over so many tokens, or the longest text's only.

    open_clip refuses input shorter than its context, so its few lines stand here with the position
    embedding and the causal mask cut (`CLIP.encode_text`, `TextTransformer.forward`).
    """
    import torch

    longest = longest or int(lengths.max())
    if longest == tokens_BL.shape[1]:
        return torch.as_tensor(model.encode_text(tokens_BL, normalize=True))
    tower = getattr(model, "text", model)
    dtype = tower.transformer.get_cast_dtype()
    x_BLW = tower.token_embedding(tokens_BL[:, :longest]).to(dtype)
    x_BLW = x_BLW + tower.positional_embedding[:longest].to(dtype)
    ends = (lengths - 1).to(x_BLW.device)
    mask_LL = tower.attn_mask[:longest, :longest]
    x_BW = tower.ln_final(_at_ends(tower.transformer, x_BLW, mask_LL, ends))
    projection = tower.text_projection
    if projection is not None:
        x_BW = projection(x_BW) if isinstance(projection, torch.nn.Module) else x_BW @ projection
    return torch.nn.functional.normalize(x_BW, dim=-1)


def _at_ends(
    transformer: Transformer, x_BLW: torch.Tensor, mask_LL: torch.Tensor, ends: torch.Tensor
) -> torch.Tensor:
    """What a transformer makes of each text's end token, [B, W].

    Nothing else is asked of the last block, so that only its keys and values are made of all
    tokens, where it is the plain one of open_clip's (`ResidualAttentionBlock.forward`).
    """
    import open_clip
    import torch

    plain = open_clip.transformer
    numbers = torch.arange(len(ends), device=x_BLW.device)
    last = transformer.resblocks[-1]
    as_known = type(transformer) is plain.Transformer and type(last) is plain.ResidualAttentionBlock
    if not as_known or not transformer.batch_first:
        whole: torch.Tensor = transformer(x_BLW, attn_mask=mask_LL)[numbers, ends]
        return whole
    for block in transformer.resblocks[:-1]:
        x_BLW = block(x_BLW, attn_mask=mask_LL)
    keys_BLW = last.ln_1(x_BLW)
    mask = mask_LL[ends].repeat_interleave(last.attn.num_heads, dim=0)[:, None]
    asked = keys_BLW[numbers, ends][:, None]
    found_B1W = last.attention(q_x=asked, k_x=keys_BLW, v_x=keys_BLW, attn_mask=mask)
    x_BW: torch.Tensor = x_BLW[numbers, ends] + last.ls_1(found_B1W)[:, 0]
    added_BW: torch.Tensor = last.ls_2(last.mlp(last.ln_2(x_BW)))
    return x_BW + added_BW
