"""A picture that is held against an evaluation index, and how it is compared with one original."""

from typing import NamedTuple

from dedup.candidates import chain_places
from dedup.detail import says_the_same
from dedup.fingerprint import Grey, cut, inner_box, is_flat, shrunk
from dedup.items import Face, Item, faces_of
from dedup.second_look import Floats, Layers, Look, layers, look_again


class Query(NamedTuple):
    """A picture, or what of it lies inside its margins.

    Attributes:
        seen: its longer side at most 256 px.
        thumb: its thumbnail.
        layers: of that.
        is_whole: whether it is the picture itself.
    """

    seen: Grey
    thumb: Grey
    layers: Layers
    is_whole: bool


def queries_of(pictures: list[Grey]) -> tuple[list[int], list[Query]]:
    """The pictures, those with margins also without, those of one colour not; and whose each is."""
    owners, queries = [], []
    for owner, seen in enumerate(pictures):
        whole = (0, 0, seen.shape[1], seen.shape[0])
        for box in dict.fromkeys((whole, inner_box(seen))):
            part = cut(seen, box)
            thumb = shrunk(part)
            if not is_flat(thumb):
                owners.append(owner)
                queries.append(Query(part, thumb, layers(thumb), box == whole))
    return owners, queries


def judge_look(query: Query, face: Face, item: Item, place: Floats) -> Look | None:
    """What a picture and an original have in common at the best place; None where it is no copy.

    A drawn original is compared word by word there, and where the search put it: its thumbnail,
    white with faint grey lines, may have led astray.
    """
    look = look_again(query.layers, layers(face.thumb.grey), place)
    drawn = item.drawn
    if drawn is None:
        return look if look.is_copy else None
    for where in (look.place, place) if look.likeness else (place,):
        agrees = says_the_same(query.seen, drawn, chain_places(face.place, where))
        if agrees or (agrees is None and look.is_copy):
            return look._replace(likeness=max(look.likeness, look.least), place=where)
    return None


def is_same_picture(first: Grey, second: Grey) -> bool:
    """Whether of two pictures, as `seen_grey` gives them, one is a copy of the other, uncropped."""
    _, queries = queries_of([first])
    if not queries or not queries[0].is_whole:
        return False
    item = Item.of("", "", second)
    face = faces_of([item])[0]
    return judge_look(queries[0], face, item, face.place) is not None
