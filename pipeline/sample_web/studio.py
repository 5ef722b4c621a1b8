"""Where a page's images come from: fresh scenes, copies, dead links, stock pictures, junk."""

from dataclasses import replace
from functools import lru_cache
from random import Random

from pipeline.sample_web.evaluation import (
    draw_evaluation_set,
    paint_evaluation,
    reserved_signatures,
)
from pipeline.sample_web.movies import (
    Movie,
    caption_movie,
    draw_movie,
    render_copy,
    render_movie,
)
from pipeline.sample_web.parts import Reel, Shot
from pipeline.sample_web.pictures import (
    TRANSFORMS,
    copy_image,
    draw_format,
    draw_size,
    open_image,
    paint_flat,
    paint_scene,
)
from pipeline.sample_web.scenes import COLOURS, Scene, draw_scene, mirror_scene, signature_of
from pipeline.sample_web.words import Style, describe_scene
from schemas.keys import seed_of

STOCK_SITE = "https://stock.picture-pool.example"
STOCK_IMAGES = 12
THUMBS = 24

_DULL_ALTS = ("image", "photo 1920x1080", "picture", "IMG_{}.jpg", "DSC{}", "photo")

_RARE = {
    "copy": 0.012,
    "mismatched": 0.035,
    "dead": 0.02,
    "flat": 0.012,
    "tiny": 0.015,
    "banner": 0.012,
    "stock": 0.02,
}
"""Shares of a page's images that are not what they should be."""

_COPY_EVERY = 12
"""Of this many pages one holds a planted copy for certain; its transforms take turns."""


class Studio:
    """Draws the images and videos of one page.

    Attributes:
        subject: the scene that the page is about: its first image shows it.
    """

    def __init__(self, seed: int, index: int) -> None:
        self.seed = seed
        self.index = index
        self.rng = Random(seed_of(seed, "shots", str(index)))
        self.subject = self.fresh_scene()
        self._taken = 0
        self._turn = index // _COPY_EVERY if index % _COPY_EVERY == _COPY_EVERY - 1 else -1

    def fresh_scene(self) -> Scene:
        """A scene that the evaluation set does not show."""
        return draw_free_scene(self.rng, self.seed)

    def first(self) -> Shot:
        """An image of the page's subject: always good, always true."""
        return self._content(self.subject)

    def next(self) -> Shot:
        """Any image: now and then one that a corpus should not keep."""
        if self._turn >= 0:
            turn, self._turn = self._turn, -1
            return self._copy(TRANSFORMS[turn % len(TRANSFORMS)])
        dice = self.rng.random()
        for name, share in _RARE.items():
            if dice < share:
                return self.rare(name)
            dice -= share
        return self._content(self.fresh_scene())

    def good(self) -> Shot:
        """A fresh image that is nothing but good."""
        return self._content(self.fresh_scene())

    def rare(self, name: str) -> Shot:
        """One of the images that are not what they should be."""
        match name:
            case "copy":
                return self._copy(self.rng.choice(TRANSFORMS))
            case "mismatched":
                shot, other = self.good(), self.fresh_scene()
                alt, caption = self._short(other), self._caption(other)
                return replace(shot, alt=alt, caption=caption, mismatched=True)
            case "dead":
                shot = self._content(self.fresh_scene(), (64, 64))
                return replace(shot, file=None)
            case "flat":
                colour = self.rng.choice(list(COLOURS))
                file = paint_flat(
                    colour, self.rng.randint(20, 40) * 10, self.rng.randint(20, 40) * 10
                )
                return Shot(file, self._name("flat"), alt=f"A {colour} area", purpose="flat")
            case "tiny":
                side = self.rng.randint(40, 62)
                shot = self._content(self.fresh_scene(), (side + self.rng.randint(0, 40), side))
                return replace(shot, purpose="tiny", caption="")
            case "banner":
                height = self.rng.randint(70, 110)
                width = height * self.rng.randint(34, 50) // 10
                shot = self._content(self.fresh_scene(), (width, height))
                return replace(shot, purpose="banner", caption="")
        return self._stock()

    def _name(self, stem: str) -> str:
        """A file name that no other image of the web has."""
        self._taken += 1
        return f"{stem}-{self.index}-{self._taken}"

    def _short(self, scene: Scene) -> str:
        return describe_scene(scene, self.rng, Style.SHORT)

    def _caption(self, scene: Scene) -> str:
        style = self.rng.choice((Style.SHORT, Style.LONG, Style.LONG))
        return describe_scene(scene, self.rng, style)

    def _alt(self, description: str) -> str:
        """The description; now and then nothing, or what cameras and hurried editors leave."""
        dice = self.rng.random()
        if dice < 0.1:
            return ""
        if dice < 0.18:
            return self.rng.choice(_DULL_ALTS).format(self.rng.randrange(1000, 9999))
        return description

    def _content(self, scene: Scene, size: tuple[int, int] | None = None) -> Shot:
        description = self._short(scene)
        file = paint_scene(scene, size or draw_size(self.rng), draw_format(self.rng))
        caption = self._caption(scene) if self.rng.random() < 0.6 else ""
        name = self._file_name(scene)
        return Shot(file, name, self._alt(description), caption, description, scene=scene)

    def _file_name(self, scene: Scene) -> str:
        title = describe_scene(scene, self.rng, Style.TITLE).lower().replace(" ", "-")
        return self._name(title if self.rng.random() < 0.6 else f"img{self.rng.randrange(999):03d}")

    def _copy(self, transform: str) -> Shot:
        """A copy of an evaluation image in its own words."""
        image = self.rng.choice(draw_evaluation_set(self.seed))
        file = copy_image(paint_evaluation(image), transform, self.rng)
        scene = mirror_scene(image.scene) if transform == "flipped" else image.scene
        description = self._short(scene)
        shot = Shot(file, self._file_name(scene), description, "", description, scene=scene)
        return replace(shot, copy_of=image.id, transform=transform)

    def _stock(self) -> Shot:
        shot = paint_stock(self.seed, self.rng.randrange(STOCK_IMAGES))
        assert shot.scene is not None, "stock images show scenes"
        return replace(shot, alt=self._short(shot.scene))

    def reel(self) -> Reel:
        """A video of things that move; now and then its first half is an evaluation image."""
        movie = self._movie()
        caption = caption_movie(movie, self.rng)
        name = self._name("clip")
        if self.rng.random() < 0.12:
            image = self.rng.choice(draw_evaluation_set(self.seed))
            picture = open_image(paint_evaluation(image))
            movie = replace(movie, size=(320, 240))
            file = render_copy(picture, movie)
            return Reel(file, name, caption, movie.scene, movie.paths, image.id)
        return Reel(render_movie(movie), name, caption, movie.scene, movie.paths)

    def _movie(self) -> Movie:
        reserved = reserved_signatures(self.seed)
        while signature_of((movie := draw_movie(self.rng)).scene) in reserved:
            pass
        return movie


def draw_free_scene(rng: Random, seed: int) -> Scene:
    """A scene that the evaluation set of the seed does not show."""
    reserved = reserved_signatures(seed)
    while signature_of(scene := draw_scene(rng)) in reserved:
        pass
    return scene


@lru_cache(maxsize=64)
def paint_stock(seed: int, number: int) -> Shot:
    """A picture that many pages link from the same place, each in its own words."""
    rng = Random(seed_of(seed, "stock", str(number)))
    scene = draw_free_scene(rng, seed)
    file = paint_scene(scene, (360, 270), "jpeg")
    description = describe_scene(scene, rng, Style.SHORT)
    url = f"{STOCK_SITE}/pool/{number:04d}.jpg"
    return Shot(file, f"{number:04d}", "", "", description, scene=scene, url=url)


@lru_cache(maxsize=256)
def paint_thumb(seed: int, site: str, number: int) -> Shot:
    """A small picture of another story of the site."""
    rng = Random(seed_of(seed, "thumb", site, str(number)))
    scene = draw_free_scene(rng, seed)
    alt = describe_scene(scene, rng, Style.TITLE)
    file = paint_scene(scene, (120, 90), "jpeg")
    return Shot(file, f"thumb-{number}", alt, description=alt, purpose="thumbnail", scene=scene)
