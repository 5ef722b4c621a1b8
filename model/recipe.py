"""What a training run is: nested frozen dataclasses that a TOML file fills."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from schemas.recipe import RecipeError, bounded, load_recipe

EMBEDDED = "embedded"
"""In place of a model's name: the small one that comes with the package, for the demo."""

CORPORA = ("m3w", "align", "ltip", "vtp")
"""The four corpora in the paper's order."""


@dataclass(frozen=True, slots=True)
class VisionRecipe:
    """Which open_clip tower sees the images.

    Attributes:
        model: an open_clip name, `local-dir:PATH`, or `embedded`.
        pretrained: open_clip's tag of the weights, or a file; not for folders.
        side_px: side of the square that images are padded to; 0 takes the tower's own.
    """

    model: str = EMBEDDED
    pretrained: str = ""
    side_px: int = 0


@dataclass(frozen=True, slots=True)
class LanguageRecipe:
    """Which causal language model reads and writes: a HF name, a folder, or `embedded`."""

    model: str = EMBEDDED


@dataclass(frozen=True, slots=True)
class ResamplerRecipe:
    """The Perceiver Resampler; the defaults are the paper's (A.1.4 table 4, B.1.1 table 5).

    Attributes:
        layers: of attention and dense part.
        dim: width; 0 takes that of the vision features.
        heads: of the attention.
        head_dim: the size of a key.
        latents: that come out of every image or video.
        ffw_factor: inner width of the dense part over the width.
        activation: of the dense part, `squared_relu` or `gelu`.
        time_embeddings: whether frames carry a learnt embedding of their time.
    """

    layers: int = bounded(6, at_least=1)
    dim: int = bounded(1536)
    heads: int = bounded(16, at_least=1)
    head_dim: int = bounded(96, at_least=1)
    latents: int = bounded(64, at_least=1)
    ffw_factor: int = bounded(4, at_least=1)
    activation: str = "squared_relu"
    time_embeddings: bool = True

    def __post_init__(self) -> None:
        _check_activation(self.activation)


@dataclass(frozen=True, slots=True)
class CrossAttentionRecipe:
    """The GATED XATTN-DENSE blocks; the defaults are the paper's for 3B (A.1.4, B.1.1).

    Attributes:
        every: one block before every so many of the language model's, from the first on.
        first: the number, from 0, of the first block of the language model that has one before it.
        heads: of the attention; 0 takes the language model's own number.
        head_dim: the size of a key.
        ffw_factor: inner width of the dense part over the model's width.
        activation: of the dense part, `squared_relu` or `gelu`.
    """

    every: int = bounded(1, at_least=1)
    first: int = 0
    heads: int = 0
    head_dim: int = bounded(128, at_least=1)
    ffw_factor: int = bounded(4, at_least=1)
    activation: str = "squared_relu"

    def __post_init__(self) -> None:
        _check_activation(self.activation)


def _check_activation(name: str) -> None:
    if name not in ("squared_relu", "gelu"):
        raise ValueError(f"activation must be squared_relu or gelu, got {name}")


@dataclass(frozen=True, slots=True)
class WindowRecipe:
    """How a page becomes a training example (the paper's 2.4, A.3.2, B.1.2).

    Attributes:
        tokens: L, the length of a window, and of a row of packed windows.
        images: N, images in a window at most.
        choice: `random` as in the paper, or `anchored` on an image drawn from the page.
        p_next: chance that a page's text looks at the next image instead of the previous one.
        p_space: chance of a space before the text of a pair.
        packed: whether several windows share a row, each behind its own mask.
        shuffled_images: whether a page's images stand in each other's places, in an order drawn
            once for each page: an ablation (docs/laboratory.md).
        placement: where a page's images stand: `natural` as on the page, or `assigned`, each before
            the sentence that it matches by the scores of the sample (MMC4's placement).
    """

    tokens: int = bounded(256, at_least=8)
    images: int = bounded(5, at_least=1)
    choice: str = "random"
    p_next: float = bounded(0.5, at_most=1)
    p_space: float = bounded(0.5, at_most=1)
    packed: bool = True
    shuffled_images: bool = False
    placement: str = "natural"

    def __post_init__(self) -> None:
        if self.placement not in ("natural", "assigned"):
            raise ValueError(f"placement must be natural or assigned, got {self.placement}")
        if self.choice not in ("random", "anchored"):
            raise ValueError(f"choice must be random or anchored, got {self.choice}")


@dataclass(frozen=True, slots=True)
class PixelsRecipe:
    """How images and videos are sampled and changed (the paper's B.1.2).

    Attributes:
        fit: `pad` an image to a square with the mean colour, as the paper does, or `crop` its
            middle, as CLIP does.
        p_flip: chance of a left-right flip, drawn for each image.
        colour: brightness, contrast and saturation change by up to this share.
        frames: of a video, at most.
        fps: frames taken per second of video.
    """

    fit: str = "pad"
    p_flip: float = bounded(0.5, at_most=1)
    colour: float = bounded(0.2, at_most=1)
    frames: int = bounded(8, at_least=1)
    fps: float = bounded(1.0, at_least=0.01)

    def __post_init__(self) -> None:
        if self.fit not in ("pad", "crop"):
            raise ValueError(f"fit must be pad or crop, got {self.fit}")


@dataclass(frozen=True, slots=True)
class CorpusRecipe:
    """One corpus in the mixture: samples a step, the weight of its loss, tokens of a sample."""

    batch: int = bounded(64, at_least=1)
    weight: float = 1.0
    tokens: int = bounded(64, at_least=8)


@dataclass(frozen=True, slots=True)
class CorporaRecipe:
    """The four corpora: weights as in the paper's B.1.2, batch sizes as in its ablations (B.3.1).

    The paper's first version (3.2.2) gives pairs 32 or 64 tokens by corpus.
    """

    m3w: CorpusRecipe = field(default=CorpusRecipe(256, 1.0, 256))
    align: CorpusRecipe = field(default=CorpusRecipe(512, 0.2, 32))
    ltip: CorpusRecipe = field(default=CorpusRecipe(512, 0.2, 64))
    vtp: CorpusRecipe = field(default=CorpusRecipe(64, 0.03, 64))


@dataclass(frozen=True, slots=True)
class OptimRecipe:
    """AdamW, a linear warm-up, then a constant rate (the paper's B.1.2).

    Attributes:
        learning_rate: after the warm-up.
        warmup_steps: from 0 to the full rate.
        weight_decay: of the cross-attention's matrices; the resampler has none.
        clip_norm: of all gradients together.
        gate_factor: rate of the gates over the others'. A gate moves by about its rate a step: in
            the paper's 500k steps that opens it, in some hundred it does not (docs/training.md).
        resampler_factor: rate of the resampler over the others'. Where the others' is high it
            learns to say the same of every image before it learns to look.
    """

    learning_rate: float = 1e-4
    warmup_steps: int = 5000
    weight_decay: float = 0.1
    clip_norm: float = bounded(1.0, at_least=1e-6)
    gate_factor: float = bounded(1.0, at_least=0)
    resampler_factor: float = bounded(1.0, at_least=0)


@dataclass(frozen=True, slots=True)
class RunRecipe:
    """How long to train and what to keep.

    Attributes:
        steps: updates.
        schedule: `accumulate` the corpora's gradients into each update, or `round_robin`.
        checkpoint_every: steps between checkpoints.
        keep: newest checkpoints that stay.
        max_bad_share: of the samples read, how many may be unusable before the run stops.
        rows_per_pass: rows of full length that go through the model at once, or as many narrower
            ones as hold no more tokens; 0 takes a batch whole.
        self_test: whether the language model is tried before the first step (model/self_test.py).
        rank_timeout_s: how long a process waits for the others of its group before it gives up.
        recompute: whether each block keeps only what goes into it and is run again on the way back.
        compile: whether blocks are compiled; all passes then have `rows_per_pass` rows of one
            length, padded where they are fewer.
        shard: whether ranks share out the model (FSDP2) instead of each having it whole.
        attention: how tokens attend to images: `auto`, `gathered` or `flex` (model/gaze.py).
        peak_flops: FLOPs a second that one device can do, for the share that a run does (`mfu`);
            0 takes what is known of common GPUs (model/devices.py).
    """

    steps: int = bounded(500_000, at_least=1)
    schedule: str = "accumulate"
    checkpoint_every: int = bounded(1000, at_least=1)
    keep: int = bounded(3, at_least=1)
    max_bad_share: float = bounded(0.01, at_most=1)
    rows_per_pass: int = 0
    self_test: bool = True
    rank_timeout_s: float = bounded(600.0, at_least=1)
    recompute: bool = False
    compile: bool = False
    shard: bool = False
    attention: str = "auto"
    peak_flops: float = 0.0

    def __post_init__(self) -> None:
        if self.schedule not in ("accumulate", "round_robin"):
            raise ValueError(f"schedule must be accumulate or round_robin, got {self.schedule}")
        if self.attention not in ("auto", "gathered", "flex"):
            raise ValueError(f"attention must be auto, gathered or flex, got {self.attention}")
        if self.compile and not self.rows_per_pass:
            raise ValueError("compile needs rows_per_pass: all passes must have one shape")


@dataclass(frozen=True, slots=True)
class WatchRecipe:
    """What is looked at while a run goes on; the run itself is the same without.

    Attributes:
        every: steps between looks; 0 for never. Each costs two forward passes more.
        samples: texts of each corpus that are generated at a look.
        sample_tokens: of such a text, at most.
    """

    every: int = 100
    samples: int = 1
    sample_tokens: int = bounded(32, at_least=1)


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """A whole training run; the defaults are Flamingo-3B's."""

    seed: int = 0
    vision: VisionRecipe = field(default=VisionRecipe())
    language: LanguageRecipe = field(default=LanguageRecipe())
    resampler: ResamplerRecipe = field(default=ResamplerRecipe())
    cross_attention: CrossAttentionRecipe = field(default=CrossAttentionRecipe())
    window: WindowRecipe = field(default=WindowRecipe())
    pixels: PixelsRecipe = field(default=PixelsRecipe())
    corpora: CorporaRecipe = field(default=CorporaRecipe())
    optim: OptimRecipe = field(default=OptimRecipe())
    run: RunRecipe = field(default=RunRecipe())
    watch: WatchRecipe = field(default=WatchRecipe())


def read_train_recipe(name: str, overrides: Iterable[str] = ()) -> TrainRecipe:
    """The recipe of a given name or in a given TOML file.

    Names are `tiny`, `laboratory`, `paper-3b` and `open-flamingo-4b`.

    Raises:
        RecipeError: there is no such recipe, or it cannot be used.
    """
    own = Path(__file__).parent / "recipes"
    path = Path(name) if name.endswith(".toml") else own / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(recipe.stem for recipe in own.glob("*.toml")))
        why = f"{error.strerror}: {name}" if isinstance(error, OSError) else "not UTF-8"
        raise RecipeError(f"{name}: no such recipe (known: {known}; or FILE.toml): {why}") from None
    return load_recipe(TrainRecipe, text, name, overrides)
