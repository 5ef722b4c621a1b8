"""Documents and images become sequences, images where they stood."""

import random
from dataclasses import replace

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.corpora.m3w import (
    BuildSequences,
    M3wLimits,
    Use,
    count_documents,
    decide_sequence,
    grouped_uses,
    image_places,
    image_uses,
    images_by_url,
    judge_sequence,
    judge_use,
    make_sequence,
    sentences,
    sequence_bytes,
    shown_out,
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
    TakenOut,
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
    grouped = list(grouped_uses(CUP.key, {"uses": uses, "vectors": [b"v"], "near": []}))
    assert [(group, one.vector) for group, one in grouped] == [(CUP.key, b"v")] * 3
    counted = list(count_documents(CUP.key, [one for _, one in grouped]))
    assert [(key, one.documents, one.files) for key, one in counted] == [
        ("d", 2, 1),
        ("d", 2, 1),
        ("e", 2, 1),
    ]
    bare = grouped_uses(CUP.key, {"uses": uses, "vectors": [], "near": []})
    assert next(bare)[1].vector == b""


def test_near_copies_are_counted_together():
    near = {"uses": [Use("e", 1, "u", CUP_AGAIN)], "vectors": [b"w"], "near": [CUP.key]}
    ((group, other),) = grouped_uses(CUP_AGAIN.key, near)
    assert (group, other.vector, other.image) == (CUP.key, b"w", CUP_AGAIN)
    counted = count_documents(group, [Use("d", 1, "u", CUP), other])
    assert [(key, one.documents, one.files) for key, one in counted] == [("d", 2, 2), ("e", 2, 2)]


@pytest.mark.parametrize(
    ("one", "earlier", "limits", "why"),
    [
        (use(4, BOAT), [use(1, CUP)], M3wLimits(), None),
        (use(4, CUP), [use(1, CUP)], M3wLimits(), Why(Reason.DUPLICATE_IMAGE, 0, 5)),
        (use(4, CUP_AGAIN), [use(1, CUP)], M3wLimits(), Why(Reason.DUPLICATE_IMAGE, 2, 5)),
        (use(4, CUP_AGAIN), [use(1, CUP)], M3wLimits(same_image_bits=1), None),
        (use(4, CUP), [use(1, CUP)], M3wLimits(same_image_bits=-1), None),
        (use(1, CUP, documents=11), [], M3wLimits(), Why(Reason.FREQUENT_IMAGE, 11, 10)),
        (
            use(1, CUP, documents=11, files=3),
            [],
            M3wLimits(),
            Why(Reason.FREQUENT_IMAGE, 11, 10, "3 files that look alike"),
        ),
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


# Copies of evaluation data, whose documents go

COPIES = [
    TakenOut(("http://a/cup.jpg",), Reason.EVALUATION_COPY, 0.8, 0.7, "coco", "2"),
    TakenOut(("http://a/boat.jpg",), Reason.EVALUATION_COPY, 0.9, 0.7, "coco", "1"),
    TakenOut(("http://a/boat.jpg",), Reason.EVALUATION_COPY, 0.9, 0.7, "vqa", "1"),
]


def test_copies_are_told_to_each_document_once():
    copy = replace(COPIES[0], urls=("http://a/cup.jpg", "http://b/cup.jpg"))
    groups = {"taken_out": [copy], "links": [("e", 7), ("d", 1), ("d", 3)], "images": []}
    found = list(shown_out("http://a/cup.jpg", groups))
    assert found == [("d", COPIES[0]), ("e", COPIES[0])]
    assert not list(shown_out("u", {"taken_out": [], "links": [("d", 1)], "images": []}))


@pytest.mark.parametrize("copies", [COPIES, COPIES[::-1]])
def test_a_document_goes_with_the_likest_copy_that_it_shows(copies):
    sequence = make_sequence(DOCUMENT, [use(1, CUP)])
    row = decide_sequence(DOCUMENT, sequence, copies, M3wLimits())
    assert (row.stage, row.kind, row.key, row.kept) == ("m3w", "document", "d", False)
    assert (row.reason, row.value, row.limit) == ("evaluation_copy", 0.9, 0.7)
    assert (row.detail, row.eval_set, row.eval_id) == ("http://a/boat.jpg", "coco", "1")
    assert decide_sequence(DOCUMENT, sequence, [], M3wLimits()).kept
    bare = make_sequence(DOCUMENT, [])
    assert decide_sequence(DOCUMENT, bare, [], M3wLimits()).reason == "no_media"


# Counted over a corpus, beside a slow recount


def recounted(documents, found, limit):
    """(document, block) of each image that stands on at most so many documents."""
    owner = {url: one.media.key for one in found for url in one.urls}
    places = [
        (document.key, index, owner[block.url])
        for document in documents
        for index, block in enumerate(document.blocks)
        if isinstance(block, ImageLink) and block.url in owner
    ]
    return {
        (document, index)
        for document, index, key in places
        if len({other for other, _, same in places if same == key}) <= limit
    }


@pytest.mark.beam
def test_decoration_is_counted_as_a_slow_recount_does():
    draw = random.Random(3)
    pictures = [
        Image(f"{n:064x}", PackRef("a" * 64, "p.tar", 0, 9), 9, 9, 9, 9, "0" * 16)
        for n in range(14)
    ]
    found = [Found((f"http://i/{n}", f"http://j/{n}"), one) for n, one in enumerate(pictures)]
    # Image n stands on about 2 n of 30 documents, by either of its URLs, on some of them twice.
    documents = []
    for key in range(30):
        shown = [n for n in range(14) for _ in "12" if draw.random() < n / 30]
        draw.shuffle(shown)
        links = [ImageLink(f"http://{draw.choice('ij')}/{n}") for n in shown]
        blocks = (TextBlock("It is."), ImageLink("http://lost/"), *links)
        documents.append(Document(f"{key}", f"http://d/{key}", "T", blocks))
    kept = recounted(documents, found, 10)
    total = recounted(documents, found, 30)
    assert 20 < len(kept) < len(total) - 20
    expected = {
        document.url: [
            block.url
            for index, block in enumerate(document.blocks)
            if (document.key, index) in kept
        ]
        for document in documents[:29]
    }
    last = documents[29]
    documents[29] = replace(last, blocks=(*last.blocks, ImageLink("http://evaluation/")))
    copy = TakenOut(
        ("http://evaluation/", "http://elsewhere/"), Reason.EVALUATION_COPY, 0.9, 0.7, "coco", "1"
    )
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        inputs = {
            "documents": pipeline | "D" >> beam.Create(documents),
            "found": pipeline | "F" >> beam.Create(found),
            "embedded": pipeline | "E" >> beam.Create([]),
            "taken_out": pipeline | "C" >> beam.Create([copy]),
            "near": pipeline | "N" >> beam.Create([]),
        }
        limits = M3wLimits(max_images=0, max_image_documents=10, same_image_bits=-1)
        built = inputs | BuildSequences(limits)
        told = built.sequences | beam.Map(
            lambda one: (one[0].url, [p.url for p in one[0].parts if isinstance(p, ImagePart)])
        )
        assert_that(told, equal_to([item for item in expected.items() if item[1]]), "sequences")
        rejected = built.decisions | beam.Filter(lambda row: row.eval_set is not None)
        copies = rejected | "Told" >> beam.Map(lambda row: (row.url, row.reason, row.detail))
        gone = [("http://d/29", "evaluation_copy", "http://evaluation/")]
        assert_that(copies, equal_to(gone), "copies")
