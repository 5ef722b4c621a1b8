"""The recipe of a build: what to build and every threshold of it, from TOML."""

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from dedup.evaluation_texts import EvaluationTextLimits
from dedup.minhash import MinhashLimits
from pipeline.corpora.m3w import M3wLimits
from pipeline.extract.limits import ExtractLimits, ReadLimits
from pipeline.filters.flagged import FlaggedLimits
from pipeline.filters.gopher import GopherLimits
from pipeline.filters.language import LanguageLimits
from pipeline.filters.obelics import ObelicsLimits
from pipeline.filters.pairs import AlignLimits, LtipLimits
from pipeline.filters.pii import PiiLimits
from pipeline.filters.urls import UrlLimits
from pipeline.filters.video_pairs import VtpLimits
from pipeline.media.fetch import FetchLimits
from pipeline.media.image import ImageLimits
from pipeline.media.unsafe import CLIP, UnsafeLimits
from pipeline.media.video import VideoLimits
from pipeline.stages.copies import EvaluationCopyLimits
from pipeline.stages.repeated import RepeatedLimits
from pipeline.stages.shards import ShardLimits
from pipeline.stages.similarity import ClipChoice
from schemas.recipe import RecipeError, bounded, load_recipe

CORPORA = ("m3w", "align", "ltip", "vtp")


@dataclass(frozen=True, slots=True)
class SimilarityLimits:
    """The filter by CLIP score.

    Attributes:
        keep: share of each pool of pairs that is kept, the best by score; 1 keeps all. DataComp
            (arXiv 2304.14108, table 16) is best at 0.3. Flamingo's authors used no such filter.
        keep_images: share of the images on M3W's pages that is kept, the best by the sentence of
            their page that each is likest to; 1 keeps all. MMC4 (arXiv 2304.06939, section 2) drops
            those below a cosine of 0.15, about the worst fifth.
    """

    keep: float = bounded(1.0, at_most=1)
    keep_images: float = bounded(1.0, at_most=1)


@dataclass(frozen=True, slots=True)
class ErrorLimits:
    """How much may go wrong before a build fails.

    Attributes:
        parse_share: largest share of pages that cannot be parsed, are damaged, truncated, empty,
            too long, or without content; 1 switches the check off.
        fetch_share: largest share of media URLs that cannot be fetched; 1 switches the check off.
            The web loses nearly half of its images (OBELICS downloaded 55 %), so that it is off
            by default.
    """

    parse_share: float = bounded(0.5, at_most=1)
    fetch_share: float = bounded(1.0, at_most=1)


@dataclass(frozen=True, slots=True)
class BuildRecipe:
    """Everything that decides what a build makes; each section belongs to one room.

    Attributes:
        corpora: which of m3w, align, ltip, vtp are built.
        seed: of whatever is random.
        base_url: the URL that an HTML folder stands for; "" names its pages by file:// URLs.
        clip: scores M3W's images against their pages' sentences, and pairs.
        filter_network: scores pairs beside it; where one is named, pairs are kept by its scores
            (DFN, arXiv 2309.17425: a network that filters well need not be a good CLIP).
    """

    corpora: tuple[str, ...] = ("m3w",)
    seed: int = 0
    base_url: str = ""
    read: ReadLimits = field(default_factory=ReadLimits)
    extract: ExtractLimits = field(default_factory=ExtractLimits)
    language: LanguageLimits = field(default_factory=LanguageLimits)
    urls: UrlLimits = field(default_factory=UrlLimits)
    flagged: FlaggedLimits = field(default_factory=FlaggedLimits)
    pii: PiiLimits = field(default_factory=PiiLimits)
    gopher: GopherLimits = field(default_factory=GopherLimits)
    obelics: ObelicsLimits = field(default_factory=ObelicsLimits)
    repeated: RepeatedLimits = field(default_factory=RepeatedLimits)
    minhash: MinhashLimits = field(default_factory=MinhashLimits)
    evaluation_text: EvaluationTextLimits = field(default_factory=EvaluationTextLimits)
    evaluation_copy: EvaluationCopyLimits = field(default_factory=EvaluationCopyLimits)
    fetch: FetchLimits = field(default_factory=FetchLimits)
    image: ImageLimits = field(default_factory=ImageLimits)
    video: VideoLimits = field(default_factory=VideoLimits)
    clip: ClipChoice = field(default_factory=ClipChoice)
    filter_network: ClipChoice = field(default_factory=ClipChoice)
    similarity: SimilarityLimits = field(default_factory=SimilarityLimits)
    unsafe: UnsafeLimits = field(default_factory=UnsafeLimits)
    m3w: M3wLimits = field(default_factory=M3wLimits)
    align: AlignLimits = field(default_factory=AlignLimits)
    ltip: LtipLimits = field(default_factory=LtipLimits)
    vtp: VtpLimits = field(default_factory=VtpLimits)
    shards: ShardLimits = field(default_factory=ShardLimits)
    errors: ErrorLimits = field(default_factory=ErrorLimits)

    def __post_init__(self) -> None:
        unknown = [name for name in self.corpora if name not in CORPORA]
        if unknown or not self.corpora:
            raise ValueError(f"corpora must be some of {', '.join(CORPORA)}, got {self.corpora}")
        scored, clip = bool(self.scorers), self.clip.scores
        needs = (
            ("similarity.keep below 1", self.similarity.keep < 1, scored),
            ("similarity.keep_images below 1", self.similarity.keep_images < 1, clip),
            ('unsafe.scorer = "clip"', self.unsafe.scorer == CLIP, clip),
        )
        for what, needed, has_model in needs:
            if needed and not has_model:
                raise ValueError(
                    f"{what} needs a model: set [clip] model to an open_clip name, "
                    "local-dir:PATH, or embedded"
                )

    @property
    def scorers(self) -> tuple[ClipChoice, ...]:
        """The models that are named, in the order in which the manifest names them."""
        return tuple(choice for choice in (self.clip, self.filter_network) if choice.scores)


def named_recipes() -> list[str]:
    """The recipes that come with the package, by name."""
    folder = resources.files("pipeline") / "recipes"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name[-5:] == ".toml")


def find_recipe(name: str) -> tuple[str, str]:
    """The text of a recipe and what errors call it.

    Args:
        name: of a recipe that comes with the package, or the path of a TOML file.

    Raises:
        RecipeError: no such recipe, or a file that cannot be read.
    """
    path = Path(name)
    if path.suffix == ".toml":
        try:
            return path.read_text("utf-8"), name
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"--recipe {name}: cannot be read: {error}") from None
    file = resources.files("pipeline") / "recipes" / f"{name}.toml"
    if not file.is_file():
        known = ", ".join(named_recipes())
        raise RecipeError(f"--recipe {name}: no such recipe (known: {known}; or a path.toml)")
    return file.read_text("utf-8"), f"recipes/{name}.toml"


def read_recipe(name: str, overrides: list[str]) -> BuildRecipe:
    """The recipe of that name, or in that file, with `--set` values laid over it."""
    text, shown = find_recipe(name)
    return load_recipe(BuildRecipe, text, shown, overrides)
