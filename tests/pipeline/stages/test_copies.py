"""Copies of evaluation images go, in stills and in videos, however they were cropped or flipped."""

import io
import subprocess

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image as Pil
from PIL import ImageDraw, ImageOps

from dedup.evaluation_file import EvaluationFile
from dedup.fingerprint import thumbnail
from dedup.index import EvaluationIndex, Match
from dedup.items import Item
from dedup.second_look import ALIKE
from pipeline.media.image import ImageLimits
from pipeline.media.video import VideoLimits
from pipeline.stages.copies import (
    COPIES,
    DropEvaluationCopies,
    EvaluationCopyLimits,
    Held,
    decided,
    first_match,
    load_held,
    original_pictures,
    why_copy,
)
from pipeline.stages.decoding import DecodeMedia, MediaLimits
from pipeline.stages.media_out import TAKEN_OUT
from pipeline.stages.run import Outputs, Stage, Work
from pipeline.stages.tables import read_rows
from pipeline.stages.verdicts import DECISIONS, came_in
from pipeline.store.packs import PackWriter
from schemas.records import Fetched, Found, Image, PackRef, TakenOut, Video
from schemas.rejection import Reason, Why
from schemas.tables import Decision

REF = PackRef("a" * 64, "p.tar", 0, 9)
SIZE = (320, 240)


def picture(seed: int) -> Pil.Image:
    """A picture of forty random ellipses."""
    rng = np.random.default_rng(seed)
    image = Pil.new("RGB", SIZE, tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = (int(rng.integers(0, side)) for side in SIZE)
        rx, ry = (int(rng.integers(4, side // 3)) for side in SIZE)
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


def jpeg(image: Pil.Image, quality: int = 90) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def recompressed(image: Pil.Image, quality: int = 30) -> Pil.Image:
    return Pil.open(io.BytesIO(jpeg(image, quality))).convert("RGB")


def crop(image: Pil.Image, share: float, x: float, y: float) -> Pil.Image:
    left, top = (1 - share) * image.width * x, (1 - share) * image.height * y
    box = (left, top, left + share * image.width, top + share * image.height)
    return image.crop(tuple(round(side) for side in box))


COPIES_OF = {
    "exact": lambda image: image,
    "recompressed": recompressed,
    "flipped": ImageOps.mirror,
    "crop_80": lambda image: crop(image, 0.8, 0.33, 0.87),
    "crop_85": lambda image: crop(image, 0.85, 0.4, 0.6),
    "crop_90": lambda image: crop(image, 0.9, 0.71, 0.13),
    "crop_flip_jpeg": lambda image: recompressed(ImageOps.mirror(crop(image, 0.83, 0.6, 0.2)), 50),
}
ORIGINALS = [picture(seed) for seed in range(6)]
STRANGERS = [picture(seed) for seed in range(100, 120)]


def index_of(images, name="set") -> EvaluationIndex:
    return EvaluationIndex.build(
        Item.of(name, f"{k}", thumbnail(image)) for k, image in enumerate(images)
    )


INDEX = index_of(ORIGINALS)


# What is found


@pytest.mark.parametrize("change", COPIES_OF)
@pytest.mark.parametrize("number", range(len(ORIGINALS)))
def test_copies_are_found(change, number):
    match = first_match([COPIES_OF[change](ORIGINALS[number])], [Held(INDEX)])
    assert match is not None
    assert (match.eval_set, match.eval_id) == ("set", str(number))
    assert match.likeness >= match.limit


def test_strangers_stay():
    assert [first_match([image], [Held(INDEX)]) for image in STRANGERS] == [None] * 20
    assert first_match(STRANGERS, [Held(INDEX)]) is None


def test_one_frame_is_enough():
    frames = [*STRANGERS[:3], ImageOps.mirror(crop(ORIGINALS[4], 0.85, 0.4, 0.6)), STRANGERS[4]]
    match = first_match(frames, [Held(INDEX)])
    assert match is not None
    assert match.eval_id == "4"
    assert match.likeness >= match.limit
    assert first_match([], [Held(INDEX)]) is None


def test_the_likest_of_all_frames_and_indexes_counts():
    other = index_of([ORIGINALS[1], ORIGINALS[0]], "other")
    frames = [crop(ORIGINALS[0], 0.85, 0.4, 0.6), ORIGINALS[1]]
    assert (
        first_match(frames, [Held(INDEX), Held(other)]).eval_id == "0"
    )  # other/0 and set/1 are equal
    assert first_match(frames, [Held(INDEX), Held(other)]).eval_set == "other"
    assert first_match(frames[::-1], [Held(other), Held(INDEX)]).eval_set == "other"
    assert first_match(frames, []) is None


def test_a_decision_has_the_number_that_decided():
    assert why_copy(Match("s", "1", 0.97, 0.72)) == Why(Reason.EVALUATION_COPY, 0.97, 0.72)


STILL = Found(("http://a/1", "http://a/2"), Image("k" * 64, REF, 9, 9, 9, 9, "0" * 16))
MOVING = Found(("http://a/v",), Video("v" * 64, REF, 9, 9, 3.0))
COPY_OF = Match("s", "1", 0.97, 0.72)


@pytest.mark.parametrize(
    ("found", "policy", "tags"),
    [
        (STILL, "drop", [DECISIONS]),
        (STILL, "drop_sample", [DECISIONS, TAKEN_OUT]),
        (STILL, "flag", [DECISIONS, "kept"]),
        (MOVING, "drop", [DECISIONS]),
        (MOVING, "drop_sample", [DECISIONS]),
        (MOVING, "flag", [DECISIONS, "kept"]),
    ],
)
def test_the_policy_says_what_becomes_of_a_copy(found, policy, tags):
    outputs = list(decided(found, COPY_OF, policy))
    tagged = [one for one in outputs if isinstance(one, beam.pvalue.TaggedOutput)]
    told = [one.tag if one in tagged else "kept" for one in outputs]
    assert told == tags
    decision = outputs[0].value
    assert decision.kept == (policy == "flag")
    assert (decision.reason, decision.value, decision.limit) == ("evaluation_copy", 0.97, 0.72)
    assert (decision.eval_set, decision.eval_id) == ("s", "1")
    assert [one.value for one in tagged[1:]] == [
        TakenOut(STILL.urls, Reason.EVALUATION_COPY, 0.97, 0.72, "s", "1")
        for tag in tags
        if tag == TAKEN_OUT
    ]
    stranger = list(decided(found, None, policy))
    assert stranger[1] is found
    assert stranger[0].value == COPIES.kept(found)


def test_a_policy_that_is_none_is_refused():
    with pytest.raises(ValueError, match="drop, drop_sample or flag, got hide"):
        EvaluationCopyLimits("hide")


def test_originals_are_given_as_pictures(index_path):
    wanted = {("set", "2"), ("set", "none"), ("other", "1")}
    ((name, content),) = original_pictures((str(index_path),), wanted)
    assert name == ("set", "2")
    assert np.array_equal(np.asarray(Pil.open(io.BytesIO(content))), thumbnail(ORIGINALS[2]))
    assert list(original_pictures(("/no/such/index",), set())) == []


# In a build


def mp4(folder, images) -> bytes:
    """A video that shows each picture for a second."""
    for number, image in enumerate(images):
        image.save(folder / f"{number}.png")
    path = folder / "made.mp4"
    command = [get_ffmpeg_exe(), "-v", "error", "-framerate", "1", "-i", str(folder / "%d.png")]
    options = ["-r", "10", "-pix_fmt", "yuv420p", "-y", str(path)]
    subprocess.run([*command, *options], check=True)
    return path.read_bytes()


def fetched_media(root, folder) -> list[Fetched]:
    """Copies and strangers, stills and videos, in a pack as the fetch stage leaves it."""
    bodies = {f"http://a/{name}.jpg": jpeg(make(ORIGINALS[1])) for name, make in COPIES_OF.items()}
    bodies |= {f"http://b/{k}.jpg": jpeg(image) for k, image in enumerate(STRANGERS[:5])}
    copied = mp4(folder, [STRANGERS[6], crop(ORIGINALS[3], 0.85, 0.4, 0.6), STRANGERS[7]])
    bodies |= {"http://a/copy.mp4": copied, "http://b/v.mp4": mp4(folder, STRANGERS[8:11])}
    with PackWriter(str(root), "fetch/pack") as packs:
        return [
            Fetched(url, kind, packs.add(body, "bin"))
            for url, body in bodies.items()
            for kind in ["video" if url.endswith("4") else "image"]
        ]


def build(folder, index_path, *flags):
    """The work folder and the results of decoding and search, in a pipeline each."""
    folder.mkdir()
    fetched = fetched_media(folder, folder)
    options = PipelineOptions([*flags, "--runner=FnApiRunner"])
    work = Work(str(folder), "code", options)
    limits = MediaLimits(ImageLimits(), VideoLimits(max_cpu_s=30))

    def decode(pipeline, work, place):
        out = pipeline | beam.Create(fetched) | DecodeMedia(place, limits)
        return Outputs({"found": (Found, out.found)}, (out.decisions,), (out.read,))

    def search(pipeline, work, place):
        found = work.table(pipeline, "decode", "found", Found)
        out = found | DropEvaluationCopies(str(folder), (str(index_path),))
        return Outputs({"found": (Found, out.kept)}, (out.decisions,), (came_in(found, COPIES),))

    stages = (Stage("decode", (), (), decode), Stage("copies", (), ("decode",), search))
    return folder, [work.run(stage)[0] for stage in stages]


def table_of(root, result, name, record):
    rows = [row for path in result.tables[name] for row in read_rows(f"{root}/{path}", record)]
    return sorted(rows, key=repr)


@pytest.fixture(scope="module")
def index_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "e.index"
    EvaluationFile(INDEX).save(path)
    held = load_held(str(path), 1)
    assert (held.index.items, held.index.cells_from) == (INDEX.items, 1)
    return path


@pytest.fixture(scope="module")
def built(index_path, tmp_path_factory):
    return build(tmp_path_factory.mktemp("built") / "once", index_path)


@pytest.mark.beam
def test_copies_go_and_strangers_stay(built):
    root, (decoded, searched) = built
    assert all(count.adds_up for count in (*decoded.counts, *searched.counts))
    found = table_of(root, decoded, "found", Found)
    assert len(found) == len(COPIES_OF) + 5 + 2
    kept = table_of(root, searched, "found", Found)
    assert sorted(url for one in kept for url in one.urls) == [
        *(f"http://b/{k}.jpg" for k in range(5)),
        "http://b/v.mp4",
    ]
    rejected = [row for row in table_of(root, searched, "decisions", Decision) if not row.kept]
    assert len(rejected) == len(COPIES_OF) + 1
    for row in rejected:
        assert row.reason == "evaluation_copy"
        assert ALIKE <= row.limit <= row.value <= 1
        assert (row.kind, row.eval_set, row.eval_id) == (
            ("video", "set", "3") if row.url.endswith("4") else ("image", "set", "1")
        )


@pytest.mark.beam
def test_bundles_that_run_again_change_nothing(built, index_path, tmp_path):
    again = build(tmp_path / "thrice", index_path, "--direct_runner_bundle_repeat=2")
    found = []
    for root, (decoded, searched) in (built, again):
        table = table_of(root, decoded, "found", Found)
        found.append([(one.urls, one.media.key, one.media.ref.sha256) for one in table])
        (path,) = searched.tables["decisions"]
        found.append((root / path).read_bytes())
    assert found[:2] == found[2:]
