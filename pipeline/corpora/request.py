"""What a build is asked for, and what follows from that for the names of its stages."""

from dataclasses import dataclass

from pipeline.recipe import BuildRecipe
from pipeline.stages.evaluation_texts import DOCUMENT_TEXTS, PAIR_TEXTS
from pipeline.stages.inputs import Input
from pipeline.stages.unsafe import UNSAFE


@dataclass(frozen=True)
class Request:
    """What a build is asked for.

    Attributes:
        recipe: every threshold.
        inputs: files and folders.
        indexes: evaluation indexes, by path.
        text_indexes: those of them that hold texts.
        digests: of the indexes, then of the scorers' weights: a changed file counts as changed.
        scorer_digest: the same of what scores unsafe images.
    """

    recipe: BuildRecipe
    inputs: tuple[Input, ...]
    indexes: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    text_indexes: tuple[str, ...] = ()
    scorer_digest: str = ""

    @property
    def document_stage(self) -> str:
        """The stage whose documents make M3W."""
        return DOCUMENT_TEXTS.stage if self.text_indexes else "duplicates"

    @property
    def link_stage(self) -> str:
        """The stage whose links make pairs."""
        return PAIR_TEXTS.stage if self.text_indexes else "links"

    @property
    def pair_corpora(self) -> tuple[str, ...]:
        """Which of the pair corpora are built."""
        return tuple(name for name in self.recipe.corpora if name != "m3w")

    @property
    def scored_stage(self) -> str:
        """The stage whose media are embedded and scored."""
        return "copies" if self.indexes else "decode"

    @property
    def media_stage(self) -> str:
        """The stage whose media go into the corpora."""
        return UNSAFE.stage if self.recipe.unsafe.scores else self.scored_stage
