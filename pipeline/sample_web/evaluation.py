"""The made-up evaluation set: images with captions that a corpus must not hold copies of."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from pipeline.sample_web.pictures import ImageFile, paint_scene
from pipeline.sample_web.scenes import Scene, draw_scene, signature_of
from pipeline.sample_web.words import Style, describe_scene
from schemas.keys import seed_of

SIZE_PX = (400, 300)
IMAGES = 32
CAPTIONS = 5


@dataclass(frozen=True, slots=True)
class EvalImage:
    """One image of the evaluation set, still as a scene.

    Attributes:
        id: within the set.
        scene: what it shows; no page shows it but in a planted copy.
        captions: 5, as COCO has.
    """

    id: str
    scene: Scene
    captions: tuple[str, ...]


@lru_cache(maxsize=4)
def draw_evaluation_set(seed: int) -> tuple[EvalImage, ...]:
    """The evaluation set of a seed: the same for any number of pages."""
    rng = Random(seed_of(seed, "evaluation"))
    scenes: dict[tuple[object, ...], Scene] = {}
    while len(scenes) < IMAGES:
        scene = draw_scene(rng)
        scenes.setdefault(signature_of(scene), scene)
    return tuple(
        EvalImage(f"eval-{index:03d}", scene, _captions(scene, rng))
        for index, scene in enumerate(scenes.values())
    )


def _captions(scene: Scene, rng: Random) -> tuple[str, ...]:
    """Different captions, or what there is of them after many tries."""
    told = dict.fromkeys(describe_scene(scene, rng, Style.SHORT) for _ in range(40))
    return tuple(told)[:CAPTIONS]


@lru_cache(maxsize=64)
def paint_evaluation(image: EvalImage) -> ImageFile:
    """The image as a JPEG file."""
    return paint_scene(image.scene, SIZE_PX, "jpeg")


@lru_cache(maxsize=4)
def reserved_signatures(seed: int) -> frozenset[tuple[object, ...]]:
    """The scenes that pages must not draw."""
    return frozenset(signature_of(image.scene) for image in draw_evaluation_set(seed))
