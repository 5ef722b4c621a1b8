"""What is embedded once is not embedded again, and comes back to the last bit."""

import io
import sys
import threading
import types

import numpy as np
import pytest

from model.clip import ClipUnavailable, load_clip
from model.clip_compute import probe_pictures
from pipeline.stages.clip_handler import ClipHandler, Embedder, in_turn
from pipeline.stages.kept_rows import open_kept, rows_digest
from pipeline.stages.similarity import ClipChoice, Task
from pipeline.store.packs import PackWriter
from schemas.records import Image, PackRef, Video

CHOICE = ClipChoice("embedded")
TEXTS = ("a red ball", "a cat on a mat", "a red ball")


@pytest.fixture
def images(tmp_path):
    """Three images in a pack below the root."""
    found = []
    with PackWriter(str(tmp_path), "packs/p") as pack:
        for number, picture in enumerate(probe_pictures()[:3]):
            stream = io.BytesIO()
            picture.save(stream, "JPEG")
            ref = pack.add(stream.getvalue(), "jpg")
            found.append(Image(f"{number:064x}", ref, 256, 256, 256, 256, "0" * 16))
    return tuple(found)


def embed(root, *tasks, choice=CHOICE):
    handler = ClipHandler(choice, str(root))
    return dict(handler.run_inference(tasks, handler.load_model()))


def test_rows_are_the_encoders_own(tmp_path, images):
    rows = embed(tmp_path, Task("media", media=images), Task("texts", texts=TEXTS))
    encoder = load_clip("embedded")
    assert np.array_equal(rows["texts"], encoder.embed_texts(TEXTS))
    assert np.array_equal(rows["texts"][0], rows["texts"][2])
    assert rows["media"].shape == (3, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(rows["media"], axis=1), 1, atol=1e-5)


def test_a_later_build_loads_no_model_for_what_is_kept(tmp_path, images, monkeypatch):
    media, texts = Task("media", media=images), Task("texts", texts=TEXTS)
    first = embed(tmp_path, media, texts)
    asked = []

    def refuse(*named):
        asked.append(named)
        raise ClipUnavailable("embedded", "", "not to be loaded")

    monkeypatch.setattr("pipeline.stages.clip_handler.load_scorer", refuse)
    again = embed(tmp_path, Task("texts", texts=TEXTS[::-1]), Task("media", media=images[1:]))
    assert np.array_equal(again["texts"], first["texts"][::-1])
    assert np.array_equal(again["media"], first["media"][1:])
    assert not asked
    with pytest.raises(ClipUnavailable):
        embed(tmp_path, Task("new", texts=("a text of its own",)))


def test_what_is_missing_joins_what_is_kept(tmp_path, images, monkeypatch):
    embed(tmp_path, Task("some", media=images[1:2]), Task("one", texts=TEXTS[:1]))
    mixed = embed(tmp_path, Task("media", media=images), Task("texts", texts=TEXTS))
    monkeypatch.setattr("pipeline.stages.clip_handler.open_kept", lambda *named: None)
    fresh = embed(tmp_path, Task("media", media=images), Task("texts", texts=TEXTS))
    assert all(np.array_equal(mixed[name], fresh[name]) for name in ("media", "texts"))


def test_rows_of_another_setting_are_not_taken(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for path in load_folder().iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    choice = ClipChoice(f"local-dir:{folder}")
    before = rows_digest(choice)
    assert rows_digest(ClipChoice(choice.model, compute="compiled")) != before
    config = folder / "open_clip_config.json"
    config.write_text(config.read_text().replace("squash", "shortest"))
    assert rows_digest(choice) != before


def load_folder():
    from model.weights.locate import TINY_CLIP

    return TINY_CLIP


def test_in_a_bucket_nothing_is_kept():
    assert open_kept(CHOICE, "gs://bucket/work") is None


def test_decoding_ahead_changes_no_row(tmp_path, images, monkeypatch):
    tasks = [Task(number, media=(image,)) for number, image in enumerate(images)]
    plain = embed(tmp_path, *tasks)
    monkeypatch.setattr("pipeline.stages.clip_handler.open_kept", lambda *named: None)
    monkeypatch.setattr(Embedder, "_ahead", lambda self, known: True)
    ahead = embed(tmp_path, *tasks)
    assert all(np.array_equal(ahead[number], plain[number]) for number in range(3))


def test_work_ahead_is_done_by_other_threads_and_comes_in_order():
    assert list(in_turn(str, range(5), 0)) == list("01234")
    seen = set()

    def prepare(number):
        seen.add(threading.current_thread())
        return number * number

    assert list(in_turn(prepare, range(20), 4)) == [n * n for n in range(20)]
    assert threading.current_thread() not in seen


class Brightness:
    """A filter network: how bright an image is, and whether a text says so."""

    digest = "b" * 64

    def embed_images(self, images):
        light = np.array([np.asarray(image).mean() / 255 for image in images])
        return np.stack([light, np.sqrt(1 - light**2)], axis=1).astype(np.float32)

    def embed_texts(self, texts):
        return np.array([[1, 0] if "bright" in text else [0, 1] for text in texts], np.float32)


def test_a_filter_network_is_a_plug_in(tmp_path, images, monkeypatch):
    module = types.ModuleType("filters_of_mine")
    module.brightness = lambda pretrained: Brightness()
    module.nothing = lambda pretrained: object()
    monkeypatch.setitem(sys.modules, "filters_of_mine", module)
    choice = ClipChoice("filters_of_mine:brightness")
    tasks = Task("media", media=images), Task("texts", texts=("a bright day", "night"))
    rows = embed(tmp_path, *tasks, choice=choice)
    assert rows["media"].shape == (3, 2)
    assert rows["texts"].tolist() == [[1, 0], [0, 1]]
    for name, told in (
        ("filters_of_mine:none", "module filters_of_mine has no none"),
        ("no_such_module:make", "No module named 'no_such_module'"),
        ("filters_of_mine:nothing", "has no digest"),
    ):
        with pytest.raises(ClipUnavailable, match=told):
            embed(tmp_path, *tasks, choice=ClipChoice(name))


def test_a_picture_that_a_pack_has_lost_is_an_error(tmp_path):
    lost = Image("a" * 64, PackRef("a" * 64, "packs/none.tar", 0, 9), 1, 1, 1, 1, "0" * 16)
    with pytest.raises(OSError, match="none"):
        embed(tmp_path, Task("m", media=(lost,)))


def test_beam_tries_no_sizes_of_batches():
    kwargs = ClipHandler(CHOICE, "").batch_elements_kwargs()
    assert kwargs["min_batch_size"] == kwargs["max_batch_size"]


def test_a_video_has_a_row_for_each_of_its_frames_kept_too(tmp_path, monkeypatch):
    with PackWriter(str(tmp_path), "packs/v") as pack:
        ref = pack.add(b"a film", "mp4")
    video = Video("c" * 64, ref, 64, 64, 3.0, ("0" * 16,))
    frames = probe_pictures()[:3]
    monkeypatch.setattr("pipeline.stages.clip_handler.pictures_in", lambda media, content: frames)
    first = embed(tmp_path, Task("film", media=(video,)))["film"]
    assert np.array_equal(first, load_clip("embedded").embed_images(frames))
    monkeypatch.setattr("pipeline.stages.clip_handler.load_scorer", None)
    assert np.array_equal(embed(tmp_path, Task("film", media=(video,)))["film"], first)
