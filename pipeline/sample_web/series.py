"""Series: pages of pictures of one thing each, all labelled in the page's own voice.

What few-shot learning needs and ordinary pages seldom show: only the labels that stand before a
picture tell how its own will be worded.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from random import Random

from pipeline.sample_web.kinds import Draft
from pipeline.sample_web.movies import Movie, render_movie
from pipeline.sample_web.parts import Reel, Shot
from pipeline.sample_web.pictures import paint_scene
from pipeline.sample_web.scenes import CLASHES, COLOURS, PAINTED, Scene, Thing
from pipeline.sample_web.voices import KINDS, draw_voice
from schemas.keys import seed_of

SIZE_PX = (96, 96)
"""Of pictures and movies: what the package's tiny CLIP takes."""

PICTURES = (5, 9)
"""Fewest and most pictures of a page."""

PALETTE = 4
"""Colours of a page: of few, some come again, and are then called what they were called before."""

HELD_OUT = 2
"""Colours of each kind that no page shows."""

MOVIE_S = 2
_PATHS = ("right", "left", "up", "down", "circle", "swing")

Combination = tuple[str, str]
"""A kind and its colour."""


@lru_cache(maxsize=4)
def held_out(seed: int) -> frozenset[Combination]:
    """The kinds in colours that the pages of a seed never show; no kind and no colour is missing.

    Each colour is held out of fewer kinds than there are, each kind of `HELD_OUT` colours.
    """
    colours = list(COLOURS)
    Random(seed_of(seed, "held-out")).shuffle(colours)
    return frozenset(
        (kind, colours[(place * HELD_OUT + step) % len(colours)])
        for place, kind in enumerate(KINDS)
        for step in range(HELD_OUT)
    )


def shown(seed: int) -> tuple[Combination, ...]:
    """The kinds in colours that the pages of a seed show."""
    out = held_out(seed)
    return tuple((k, c) for k in KINDS for c in COLOURS if (k, c) not in out)


def draw_palette(rng: Random) -> frozenset[str]:
    """The colours of one page."""
    return frozenset(rng.sample(list(COLOURS), PALETTE))


def in_palette(
    combinations: Iterable[Combination], palette: frozenset[str]
) -> tuple[Combination, ...]:
    """Those of some kinds in colours whose colour is one of a page's."""
    return tuple(pair for pair in combinations if pair[1] in palette)


def draw_single(rng: Random, combination: Combination, size: str = "large") -> Scene:
    """One plain thing in the middle of a setting before which its colour shows."""
    kind, colour = combination
    settings = [s for s, clashes in CLASHES.items() if colour not in clashes]
    setting = rng.choice(settings)
    tints = [c for c in COLOURS if c not in ("black", colour)]
    tint = rng.choice(tints) if setting in PAINTED else ""
    thing = Thing(kind, colour, "plain", size, "centre")
    return Scene(setting, tint, "alone", (thing,), rng.getrandbits(32))


def write_series(draft: Draft) -> str:
    """A heading and the pictures, a label below each, in their alt texts too. Returns the title."""
    voice = draw_voice(draft.rng)
    title = draft.rng.choice(TITLES)
    draft.writer.heading(1, title)
    combinations = in_palette(shown(draft.studio.seed), draw_palette(draft.rng))
    in_short = draft.rng.random() < 0.5
    for number in range(draft.rng.randint(*PICTURES)):
        scene = draw_single(draft.rng, draft.rng.choice(combinations))
        alt = voice.label(scene) if in_short else voice.caption(scene)
        # No caption: a page's second caption in the same words is left out by the extraction.
        draft.writer.photo(_shot(scene, alt, f"{draft.studio.index}-{number}"), "absolute")
        draft.writer.paragraph(voice.caption(scene))
    return title


TITLES = (
    "These are the pictures that we have",
    "What you can see in our pictures",
    "A few pictures and what is in them",
    "Here are some of the things that we found",
)
"""Sentences, so that a page's language can be told."""


def _shot(scene: Scene, alt: str, name: str) -> Shot:
    file = paint_scene(scene, SIZE_PX, "jpeg")
    return Shot(file, f"one-{name}", alt, description=alt, scene=scene)


def write_clip(draft: Draft) -> str:
    """A heading and one movie with its label. Returns the title."""
    voice = draw_voice(draft.rng)
    title = draft.rng.choice(_MOVING_TITLES)
    draft.writer.heading(1, title)
    combination = draft.rng.choice(shown(draft.studio.seed))
    scene = draw_single(draft.rng, combination, "medium")
    paths = (draft.rng.choice(_PATHS),)
    file = render_movie(Movie(scene, paths, MOVIE_S, SIZE_PX))
    draft.writer.video(
        Reel(file, f"moving-{draft.studio.index}", voice.caption(scene), scene, paths)
    )
    return title


_MOVING_TITLES = (
    "This is what moves in our video",
    "You can see it move in this video",
    "A short video of one of our things",
)

SERIES: dict[str, tuple[Callable[[Draft], str], tuple[str, ...]]] = {
    "series": (write_series, ("cards",)),
    "clip": (write_clip, ("cards",)),
}
"""Each kind's author, and the hosts that publish it."""
