"""Small Flamingos with open gates, prompts for them, and passes without a cache."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from model.evaluate.prefix import Prefix, read_prefix
from model.flamingo import Flamingo
from model.language import FrozenLanguage, load_language
from model.media_mask import previous_images
from model.recipe import TrainRecipe, VisionRecipe
from model.vision import FrozenVision, load_vision
from model.windows import Vocabulary

SIZED = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3}
IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def family_of(name: str, vocabulary: int) -> transformers.PretrainedConfig:
    if name == "GPT2":
        sizes = {"vocab_size": vocabulary, "n_embd": 16, "n_head": 2, "n_layer": 3}
        return transformers.GPT2Config(**IDS, **sizes)
    ids = IDS | {"pad_token_id": 0}
    if name == "OPT":
        sizes = {"vocab_size": vocabulary, "ffn_dim": 32, "word_embed_proj_dim": 8}
        return transformers.OPTConfig(**SIZED, **ids, **sizes)
    kinds = {"Llama": transformers.LlamaConfig, "GPTNeoX": transformers.GPTNeoXConfig}
    return kinds[name](**SIZED, **ids, vocab_size=vocabulary, intermediate_size=32)


def opened(model: Flamingo) -> Flamingo:
    with torch.no_grad():
        for block in model.cross_attention:
            block.attention_gate.fill_(0.9)
            block.dense_gate.fill_(0.3)
    return model.eval()


@pytest.fixture(scope="session")
def vision(clip_folder: Path) -> FrozenVision:
    return load_vision(VisionRecipe(f"local-dir:{clip_folder}"))


@pytest.fixture(scope="session")
def model(vision: FrozenVision, lm_folder: Path, toy_recipe: TrainRecipe) -> Flamingo:
    torch.manual_seed(0)
    return opened(Flamingo(vision, load_language(str(lm_folder))[0], toy_recipe))


@pytest.fixture(scope="session")
def words(lm_folder: Path) -> Vocabulary:
    return load_language(str(lm_folder))[2]


@pytest.fixture(scope="session")
def make_model(
    vision: FrozenVision, toy_recipe: TrainRecipe
) -> Callable[[str, int], tuple[Flamingo, Vocabulary]]:
    """A Flamingo on a random language model of some family with some words."""

    def make(name: str, vocabulary: int) -> tuple[Flamingo, Vocabulary]:
        torch.manual_seed(1)
        lm = transformers.AutoModelForCausalLM.from_config(family_of(name, vocabulary))
        for weight in lm.get_output_embeddings().parameters():
            weight.data.mul_(8)  # so that words differ in how likely they are
        made = opened(Flamingo(vision, FrozenLanguage(lm), toy_recipe))
        return made, Vocabulary(vocabulary, vocabulary + 1, None, None)

    return make


@pytest.fixture(scope="session")
def latents_of() -> Callable[[Flamingo, list[int]], torch.Tensor]:
    """Latents of images of one grey each."""

    def made(model: Flamingo, greys: list[int]) -> torch.Tensor:
        frames = [np.full((1, 32, 32, 3), grey, dtype=np.uint8) for grey in greys]
        pixels = torch.from_numpy(np.concatenate([np.zeros((0, 32, 32, 3), np.uint8), *frames]))
        with torch.no_grad():
            return model.latents(pixels, torch.ones(len(greys), dtype=torch.long))

    return made


@pytest.fixture(scope="session")
def whole_pass() -> Callable[..., torch.Tensor]:
    """Log-probabilities [L, V + 1] after each token of a prompt, without a cache."""

    def logp(
        model: Flamingo, tokens: list[int], latents: torch.Tensor, words: Vocabulary
    ) -> torch.Tensor:
        images = previous_images(np.asarray(tokens) == words.image)[None]
        logits, _ = model.read(torch.tensor([tokens]), images, latents)
        return logits[0].double().log_softmax(-1)

    return logp


@pytest.fixture
def prompt(model: Flamingo, words: Vocabulary, latents_of: Callable) -> Prefix:
    """Two images, a text after each."""
    tokens = [words.bos, words.image, 5, 6, words.eoc, words.image, 7, 8]
    return read_prefix(model, tokens, latents_of(model, [40, 200]), words)
