"""What scenes say in English: alt texts, long descriptions and titles, many ways each."""

from enum import StrEnum
from random import Random

from pipeline.sample_web.scenes import Scene, Thing


class Style(StrEnum):
    """How long and how full a description is."""

    SHORT = "short"
    """4 to 15 words: an alt text."""
    LONG = "long"
    """20 to 45 words with places, counts and textures: a caption in full sentences."""
    TITLE = "title"
    """2 to 6 words without an article in front: a heading or a file's name."""


SHORT_WORDS = (4, 15)
LONG_WORDS = (20, 45)

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
_PLURALS = {"fish": "fish", "leaf": "leaves", "butterfly": "butterflies", "cactus": "cacti"}
_SIZES = {"small": ("small", "little", "tiny"), "large": ("large", "big")}
_TEXTURES = {
    "striped": ("striped", "stripes"),
    "dotted": ("dotted", "dots"),
    "checked": ("checked", "checks"),
}
_BEFORE = {
    "sky": ("in a blue sky", "up in the sky", "before a cloudy blue sky"),
    "meadow": ("in a green meadow", "on the grass", "in a grassy field"),
    "beach": ("on a sandy beach", "at the beach", "on the sand by the sea"),
    "sea": ("on the blue sea", "over the waves", "in the sea"),
    "table": ("on a wooden table", "on brown planks", "on a table of wood"),
    "night": ("at night", "under the stars", "in a dark night sky"),
    "brick": ("before a brick wall", "against red bricks", "on a brick wall"),
    "snow": ("in the snow", "on white snow", "in a snowy field"),
    "stone": ("against grey stones", "on a stone wall", "before a wall of grey stone"),
    "desert": ("in the desert", "among orange dunes", "before the desert dunes"),
    "paper": ("on lined paper", "on a lined white page", "on a sheet of ruled paper"),
    "wall": ("before a {} wall", "against a wall painted {}", "on a plain {} wall"),
    "cloth": ("on a {} cloth", "on a woven {} cloth", "laid on {} cloth"),
}
_BACKDROPS = {
    "sky": ("A blue sky with clouds", "The cloudy sky"),
    "meadow": ("A green meadow under a pale sky", "The grassy meadow"),
    "beach": ("A sandy beach with the sea beyond", "The beach"),
    "sea": ("The blue sea with small waves", "Deep blue water"),
    "table": ("A wooden table of brown planks", "The wooden table"),
    "night": ("A dark sky full of stars", "The starry night"),
    "brick": ("A wall of red bricks", "The brick wall"),
    "snow": ("White snow under a grey sky", "The snowy field"),
    "stone": ("A wall of grey stones", "The stone wall"),
    "desert": ("A desert of orange dunes", "The desert"),
    "paper": ("A white page with blue lines", "The ruled paper"),
    "wall": ("A plain {} wall", "The {} wall"),
    "cloth": ("A woven {} cloth", "The {} cloth"),
}
_PLACES = {
    "left": ("on the left", "at the left", "on the left side"),
    "right": ("on the right", "at the right", "on the right side"),
    "top": ("at the top", "near the upper edge", "high up"),
    "bottom": ("at the bottom", "near the lower edge", "low down"),
    "centre": ("in the middle", "in the centre", "at the centre"),
    "top left": ("in the top left corner", "at the top left", "in the upper left"),
    "top right": ("in the top right corner", "at the top right", "in the upper right"),
    "bottom left": ("in the bottom left corner", "at the bottom left", "in the lower left"),
    "bottom right": ("in the bottom right corner", "at the bottom right", "in the lower right"),
}
_RELATIONS = {
    "sides": ("to the left of", "left of", "beside", "next to"),
    "stack": ("above", "over", "higher than"),
}


def describe_scene(scene: Scene, rng: Random, style: Style) -> str:
    """English words for what the scene shows; another state of `rng` words it differently.

    A short text names the first things and the setting; a long one names each thing with its
    count, colour, texture and place. No text ends with white space; only a long one ends with
    a full stop.
    """
    if style is Style.TITLE:
        return _title(scene, rng)
    if style is Style.SHORT:
        return _short(scene, rng)
    return _long(scene, rng)


def plural_of(kind: str) -> str:
    """The plural of a kind of thing."""
    if kind in _PLURALS:
        return _PLURALS[kind]
    return kind + "es" if kind.endswith("s") else kind + "s"


def noun_of(thing: Thing) -> str:
    """The bare noun in the right number: "fish", "stars"."""
    return thing.kind if thing.count == 1 else plural_of(thing.kind)


def name_thing(thing: Thing, rng: Random, *, article: str = "a", detail: bool = True) -> str:
    """A noun phrase for a thing, as "two small striped red fish" or "a cup with blue dots".

    Args:
        thing: what to name.
        rng: chooses among the wordings.
        article: "a", "the" or "" before a single thing; a count stands before several.
        detail: whether size and texture are named beside the colour.
    """
    words = [rng.choice(_SIZES[thing.size])] if detail and thing.size in _SIZES else []
    tail = ""
    if detail and thing.texture in _TEXTURES:
        adjective, noun = _TEXTURES[thing.texture]
        form = rng.randrange(4)
        if form == 0:
            tail = f" with {_second(thing)} {noun}"
        words += [[thing.colour], [adjective, thing.colour], [thing.colour, adjective]][
            min(form, 2)
        ]
    else:
        words.append(thing.colour)
    phrase = " ".join([*words, noun_of(thing)]) + tail
    return with_article(phrase, article, thing.count)


def _second(thing: Thing) -> str:
    """The colour of the pattern, as the renderer has it."""
    return "dark" if thing.colour == "white" else "white"


def with_article(phrase: str, article: str, count: int) -> str:
    """The phrase with "a" or "an", "the", or its number in front."""
    if count > 1:
        return (
            f"the {_NUMBERS[count]} {phrase}" if article == "the" else f"{_NUMBERS[count]} {phrase}"
        )
    if article == "a":
        return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
    return f"{article} {phrase}".strip()


def join_phrases(phrases: list[str]) -> str:
    """The phrases as an English list."""
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def name_setting(scene: Scene, rng: Random) -> str:
    """The setting as a phrase that follows a noun: "on a wooden table"."""
    return _tinted(rng.choice(_BEFORE[scene.setting]), scene.tint)


def _tinted(template: str, tint: str) -> str:
    """The template with the colour of a painted setting, after the right article."""
    return template.format(tint).replace(" a orange", " an orange")


def name_place(place: str, rng: Random) -> str:
    """A place as a phrase: "in the top left corner"."""
    return rng.choice(_PLACES[place])


def capitalised(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _title(scene: Scene, rng: Random) -> str:
    thing = rng.choice(scene.things)
    nouns = name_thing(thing, rng, article="", detail=thing.count == 1).split(" with ")[0]
    setting = name_setting(scene, rng)
    options = [nouns, f"{nouns} {setting}"]
    if len(scene.things) > 1:
        other = rng.choice([t for t in scene.things if t is not thing])
        options.append(f"{nouns} and {name_thing(other, rng, article='', detail=False)}")
    return capitalised(rng.choice([o for o in options if 2 <= len(o.split()) <= 6] or [nouns]))


def _short(scene: Scene, rng: Random) -> str:
    low, high = SHORT_WORDS
    for _ in range(6):
        text = _try_short(scene, rng)
        if low <= len(text.split()) <= high:
            return capitalised(text)
    first = name_thing(scene.things[0], rng, detail=False)
    return capitalised(f"{first} {name_setting(scene, rng)}")


def _try_short(scene: Scene, rng: Random) -> str:
    """A short text that may be a few words too long or too short."""
    shown = list(scene.things[: rng.choice((2, 3, 3))])
    names = [name_thing(t, rng, detail=len(shown) < 3 or rng.random() < 0.4) for t in shown]
    left_out = sum(thing.count for thing in scene.things[len(shown) :])
    setting = name_setting(scene, rng) if rng.random() < 0.75 or len(scene.things) == 1 else ""
    if scene.layout in _RELATIONS and rng.random() < 0.6:
        text = f"{names[0]} {rng.choice(_RELATIONS[scene.layout])} {names[1]}"
    elif scene.layout == "aside" and rng.random() < 0.5:
        text = f"{names[0]} {name_place(shown[0].place, rng)}"
    elif left_out and rng.random() < 0.6:
        text = f"{', '.join(names)} and {_more(left_out)}"
    else:
        text = join_phrases(names)
    return f"{text} {setting}".strip()


def _more(count: int) -> str:
    return "one more thing" if count == 1 else f"{_NUMBERS[min(count, 6)]} more things"


def _long(scene: Scene, rng: Random) -> str:
    low, high = LONG_WORDS
    for detail in (True, True, True, False, False):
        text = _try_long(scene, rng, detail=detail)
        if low <= len(text.split()) <= high:
            return text
    names = [name_thing(thing, rng, detail=False) for thing in scene.things]
    places = [min(_PLACES[thing.place], key=len) for thing in scene.things]
    return f"We see {join_phrases([f'{n} {p}' for n, p in zip(names, places, strict=True)])}."


def _try_long(scene: Scene, rng: Random, *, detail: bool) -> str:
    """Sentences that place each thing; filled up with what is true of any thing until 20 words."""
    spots = [
        f"{name_thing(thing, rng, detail=detail)} {name_place(thing.place, rng)}"
        for thing in scene.things
    ]
    sentences = _tell(spots, scene.things, _backdrop(scene, rng), rng)
    fillers = _fillers(scene, rng)
    while len(" ".join(sentences).split()) < LONG_WORDS[0] and fillers:
        sentences.append(fillers.pop())
    return " ".join(sentences)


def _backdrop(scene: Scene, rng: Random) -> str:
    return _tinted(rng.choice(_BACKDROPS[scene.setting]), scene.tint)


def _tell(spots: list[str], things: tuple[Thing, ...], backdrop: str, rng: Random) -> list[str]:
    """The placed things and the setting in one to three sentences."""
    opening = f"{backdrop} {rng.choice(_SURROUNDS)}"
    behind = f"{backdrop} {rng.choice(_FILLS)}."
    form = rng.randrange(4)
    if form == 0:
        return [f"{opening} {join_phrases(spots)}."]
    if form == 1 and len(spots) > 1:
        half = (len(spots) + 1) // 2
        second = f"{rng.choice(_FURTHER)} {join_phrases(spots[half:])}"
        return [f"{opening} {join_phrases(spots[:half])}.", f"{second}."]
    total = sum(thing.count for thing in things)
    if form == 2 and 1 < total < len(_NUMBERS):
        return [f"{rng.choice(_SHOWS)} {_NUMBERS[total]} things: {join_phrases(spots)}.", behind]
    verb = "is" if things[0].count == 1 else "are"
    return [f"There {verb} {join_phrases(spots)}.", behind]


_SURROUNDS = ("is the background for", "lies behind", "is the setting of", "surrounds")
_FILLS = ("fills the background", "can be seen behind", "makes the backdrop", "is all around")
_FURTHER = ("We also see", "Beside that we find", "Further on we notice", "The eye then meets")
_SHOWS = ("The picture shows", "We see", "This image has", "The photo holds", "Here we count")


def _fillers(scene: Scene, rng: Random) -> list[str]:
    """True sentences about the scene's first thing, in random order."""
    thing = scene.things[0]
    noun, verb = noun_of(thing), "is" if thing.count == 1 else "are"
    size = {"small": "rather small", "medium": "of middling size", "large": "quite large"}
    fillers = [
        f"The {noun} {verb} {thing.colour} and {thing.texture}.",
        f"We count {_NUMBERS[thing.count]} {noun} in all.",
        f"The {noun} {verb} {size[thing.size]}.",
        f"Nothing else stands beside the {thing.colour} {noun}.",
    ]
    if len(scene.things) > 1:
        fillers[3] = f"The {noun} {verb} not {scene.things[1].colour}."
    rng.shuffle(fillers)
    return fillers
