"""Documents and images become sequences, images where they stood."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.corpora.m3w import (
    M3wLimits,
    Use,
    count_documents,
    image_places,
    image_uses,
    images_by_url,
    judge_sequence,
    judge_use,
    make_sequence,
    sentences,
    sequence_bytes,
    with_scores,
)
from schemas.records import (
    NO_RIGHTS,
    Document,
    Found,
    Image,
    ImageLink,
    ImagePart,
    PackRef,
    Rights,
    Role,
    TextBlock,
    TextPart,
    Video,
    VideoLink,
)
from schemas.rejection import Reason, Why


def image(name, phash="0" * 16):
    return Image(name * 64, PackRef(name * 64, "p.tar", 0, 5000), 200, 100, 400, 200, phash)


CUP, BOAT, CUP_AGAIN = image("a"), image("b", "f" * 16), image("c", "0" * 15 + "3")
RIGHTS = Rights("http://cc/by", found="license: link")
DOCUMENT = Document(
    "d", "http://a/", "Title",
    (
        TextBlock("A heading", Role.HEADING),
        ImageLink("http://a/cup.jpg", "a cup", "The cup.", rights=RIGHTS),
        TextBlock("It is a cup. It is red."),
        VideoLink("http://a/v.mp4"),
        ImageLink("http://a/boat.jpg"),
        ImageLink("http://a/lost.jpg"),
    ),
    "en", "2024", ("http://cc/by",),
)  # fmt: skip


def use(index, picture, **changes):
    return replace(Use("d", index, "http://a/", picture), **changes)


def test_links_and_images_meet_by_url():
    assert list(image_places(DOCUMENT)) == [
        ("http://a/cup.jpg", ("d", 1)),
        ("http://a/boat.jpg", ("d", 4)),
        ("http://a/lost.jpg", ("d", 5)),
    ]
    found = Found(("http://a/cup.jpg", "http://b/cup.jpg"), CUP)
    assert list(images_by_url(found)) == [("http://a/cup.jpg", CUP), ("http://b/cup.jpg", CUP)]
    assert not list(images_by_url(Found(("http://a/v",), Video("v", CUP.ref, 1, 1, 2.0))))
    uses = list(image_uses("u", {"images": [CUP], "links": [("d", 1), ("e", 7)]}))
    assert uses == [(CUP.key, Use("d", 1, "u", CUP)), (CUP.key, Use("e", 7, "u", CUP))]
    assert not list(image_uses("u", {"images": [], "links": [("d", 1)]}))


def test_documents_are_counted_not_places():
    uses = [Use("d", 1, "u", CUP), Use("d", 3, "u", CUP), Use("e", 1, "u", CUP)]
    counted = list(count_documents(CUP.key, {"uses": uses, "vectors": [b"v"]}))
    assert [(key, one.documents, one.vector) for key, one in counted] == [
        ("d", 2, b"v"),
        ("d", 2, b"v"),
        ("e", 2, b"v"),
    ]
    assert next(iter(count_documents(CUP.key, {"uses": uses, "vectors": []})))[1].vector == b""


@pytest.mark.parametrize(
    ("one", "earlier", "limits", "why"),
    [
        (use(4, BOAT), [use(1, CUP)], M3wLimits(), None),
        (use(4, CUP), [use(1, CUP)], M3wLimits(), Why(Reason.DUPLICATE_IMAGE, 0, 5)),
        (use(4, CUP_AGAIN), [use(1, CUP)], M3wLimits(), Why(Reason.DUPLICATE_IMAGE, 2, 5)),
        (use(4, CUP_AGAIN), [use(1, CUP)], M3wLimits(same_image_bits=1), None),
        (use(4, CUP), [use(1, CUP)], M3wLimits(same_image_bits=-1), None),
        (use(1, CUP, documents=11), [], M3wLimits(), Why(Reason.FREQUENT_IMAGE, 11, 10)),
        (use(1, CUP, documents=10), [], M3wLimits(), None),
        (use(1, CUP, documents=11), [], M3wLimits(max_image_documents=0), None),
    ],
)
def test_decoration_and_copies_go(one, earlier, limits, why):
    assert judge_use(one, earlier, limits) == why


def test_images_stand_where_they_stood():
    sequence = make_sequence(DOCUMENT, [use(4, BOAT), use(1, CUP)])
    kinds = [
        part.image.key[0] if isinstance(part, ImagePart) else part.text for part in sequence.parts
    ]
    assert kinds == ["A heading", "a", "It is a cup. It is red.", "b"]
    assert (sequence.parts[1].alt, sequence.parts[1].caption) == ("a cup", "The cup.")
    assert (sequence.parts[1].rights, sequence.parts[3].rights) == (RIGHTS, NO_RIGHTS)
    assert (sequence.key, sequence.language, sequence.licence) == ("d", "en", ("http://cc/by",))
    assert sentences(sequence) == ("A heading", "It is a cup.", "It is red.")
    assert sequence_bytes(sequence) > 10_000


def test_a_headline_opens_its_sequence():
    sequence = make_sequence(replace(DOCUMENT, headline="All about cups"), [use(1, CUP)])
    first, second = sequence.parts[:2]
    assert (first.text, first.role) == ("All about cups", Role.HEADING)
    assert second.text == "A heading"
    assert make_sequence(DOCUMENT, [use(1, CUP)]).parts == sequence.parts[1:]


@pytest.mark.parametrize(
    ("uses", "limits", "why"),
    [
        ([use(1, CUP)], M3wLimits(), None),
        ([], M3wLimits(), Why(Reason.NO_MEDIA, 0, 1)),
        ([use(1, CUP), use(4, BOAT)], M3wLimits(max_images=1), Why(Reason.TOO_MANY_IMAGES, 2, 1)),
        ([use(1, CUP), use(4, BOAT)], M3wLimits(max_images=0), None),
    ],
)
def test_a_sequence_needs_an_image(uses, limits, why):
    assert judge_sequence(make_sequence(DOCUMENT, uses), limits) == why


def test_a_sequence_needs_text():
    bare = replace(DOCUMENT, blocks=DOCUMENT.blocks[1:2])
    assert judge_sequence(make_sequence(bare, [use(0, CUP)]), M3wLimits()) == Why(
        Reason.NO_TEXT, 0, 1
    )


def test_scores_are_cosines_rounded_to_float16():
    sequence = make_sequence(DOCUMENT, [use(1, CUP), use(4, BOAT)])
    rows = np.eye(3, dtype=np.float32)
    vectors = tuple(np.array(v, dtype="<f4").tobytes() for v in ([0.6, 0.8, 0], [0, 0, 1]))
    scored = with_scores(sequence, vectors, rows)
    pictures = [part for part in scored.parts if isinstance(part, ImagePart)]
    assert pictures[0].scores == (float(np.float16(0.6)), float(np.float16(0.8)), 0.0)
    assert pictures[1].scores == (0.0, 0.0, 1.0)
    assert all(isinstance(part, TextPart) for part in (scored.parts[0], scored.parts[2]))
