"""Who and what a page tells of: names, places and numbers that its sentences share."""

from random import Random

from pipeline.sample_web.grammar import load_words
from pipeline.sample_web.scenes import COLOURS, Scene
from pipeline.sample_web.words import (
    Style,
    capitalised,
    describe_scene,
    name_place,
    name_setting,
    name_thing,
    plural_of,
)

_SPELLED = ("two", "three", "four", "five", "seven", "eight", "nine", "eleven", "twelve", "thirty")


def draw_cast(rng: Random, scene: Scene) -> dict[str, str]:
    """The slots of a page's sentences; the first thing of `scene` is what the page is about."""
    names = load_words("names")
    first, friend, guest = rng.sample(names["first"], 3)
    lasts = rng.sample(names["last"], 3)
    town, other_town = rng.sample(names["town"], 2)
    kind = scene.things[0].kind
    tool = rng.choice(list(names["tools"]))
    title = describe_scene(scene, rng, Style.TITLE)
    return {
        **{key: rng.choice(names[key]) for key in ("river", "inn", "pet", "material")},
        "tool": tool,
        "tools": names["tools"][tool],
        "month": rng.choice(names["month"]),
        "maker": f"{first} {lasts[0]}",
        "first": first,
        "friend": f"{friend} {lasts[1]}",
        "guest": f"{guest} {lasts[2]}",
        "town": town,
        "town2": other_town,
        "thing": kind,
        "things": plural_of(kind),
        "things_cap": capitalised(plural_of(kind)),
        "title": title,
        "title_low": title[0].lower() + title[1:],
        "colour": rng.choice(list(COLOURS)),
        "many": rng.choice(_SPELLED),
        "thousands": rng.choice(_SPELLED),
        "number": str(rng.randrange(21, 990)),
        "price": f"{rng.randrange(4, 95)} crowns",
        "year": str(rng.randrange(1962, 1999)),
        "year2": str(rng.randrange(2001, 2020)),
        "oldyear": str(rng.randrange(1708, 1899)),
    }


def scene_slots(scene: Scene, rng: Random) -> dict[str, str]:
    """The slots of a sentence about one of the scene's things, chosen at random."""
    thing = rng.choice(scene.things)
    others = [t for t in scene.things if t is not thing]
    one = thing.count == 1
    setting = name_setting(scene, rng)
    verbs = ("catch", "draw", "seem", "look", "gain", "stand", "keep", "face", "answer")
    the = name_thing(thing, rng, article="the")
    return {
        "a": name_thing(thing, rng),
        "the": the,
        "The": capitalised(the),
        "where": name_place(thing.place, rng),
        "before": setting,
        "before_cap": capitalised(setting),
        "other": name_thing(rng.choice(others), rng, article="the") if others else "",
        "is": "is" if one else "are",
        **{_third(verb): _third(verb) if one else verb for verb in verbs},
    }


def _third(verb: str) -> str:
    """The third person singular: "catches", "keeps"."""
    return verb + ("es" if verb.endswith("ch") else "s")
