"""What is asked of a URL and of what is behind it while it is fetched, made from the recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from pipeline.media.glance import Glance, Seen, glance_at_image
from pipeline.media.image import ImageLimits
from pipeline.media.opt_outs import OptOuts, judge_page, read_opt_outs
from pipeline.media.outcome import FetchLimits
from pipeline.media.robots import product_token


@dataclass(frozen=True)
class FetchChecks:
    """Checks of a fetch beyond politeness and caps.

    Attributes:
        glances: by what a URL is asked for as: judges a body by its first bytes.
        opt_outs: hosts and URLs that are never asked.
    """

    glances: Mapping[str, Glance] = field(default_factory=dict)
    opt_outs: OptOuts = field(default_factory=OptOuts)


def make_checks(
    limits: FetchLimits, image: ImageLimits, read: Callable[[str], bytes]
) -> FetchChecks:
    """The checks of a recipe.

    Args:
        limits: of fetching.
        image: of images.
        read: reads the files of opt-outs.
    """
    glances: dict[str, Glance] = {
        "image": partial(glance_at_image, limits=image),
        "page": partial(_glance_at_page, limits=limits),
    }
    return FetchChecks(glances, read_opt_outs(limits.opt_out_files, read))


def _glance_at_page(body: bytes, whole: bool, limits: FetchLimits) -> Seen | None:
    if not whole:
        return None
    agent = product_token(limits.user_agent)
    return Seen(why=judge_page(body, agent, limits.opt_out_words, limits.respect_tdm))
