import io
import os
import tarfile
import zlib
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dedup import eval_sets
from dedup.eval_sets import (
    Entry,
    PassedOver,
    Picture,
    Unreadable,
    read_entries,
    read_pictures,
)
from schemas.tar import padded


def pixels(seed: int = 0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize(size)


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def video(frames: int = 10, rate: int = 4) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=rate)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_image(pixels(number))
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return stream.getvalue()


JPEG = encoded(pixels())
PNG = encoded(pixels(1), "PNG")


def ids(path: Path) -> list[str]:
    return [entry.eval_id for entry in read_entries(path)]


def read_all(path: Path) -> list[Picture | Unreadable | PassedOver]:
    results: list[Picture | Unreadable | PassedOver] = []
    for entry in read_entries(path):
        results += [entry] if isinstance(entry, Unreadable) else read_pictures(entry)
    return results


def pictures_of(content: bytes, *, is_expected: bool = True):
    return list(read_pictures(Entry("id", content, is_expected)))


# Where a set lies


def test_a_folder_is_searched_through_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "captions.json").write_text("{}")
    (tmp_path / "photo").write_bytes(JPEG)
    results = read_all(tmp_path)
    assert [result.eval_id for result in results] == ["a.png", "b/1.jpg", "captions.json", "photo"]
    assert [type(result) for result in results] == [Picture, Picture, PassedOver, Picture]


def test_what_is_no_picture_but_should_be_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"<html>not found</html>")
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "c.jpg").write_bytes(JPEG[:200])
    (tmp_path / "d.mp4").write_bytes(video()[:300])
    results = read_all(tmp_path)
    assert all(isinstance(result, Unreadable) for result in results)
    assert [result.eval_id for result in results] == ["a.jpg", "b.jpg", "c.jpg", "d.mp4"]
    assert results[0].why == "neither image nor video, it begins with b'<html>no'"
    assert results[1].why == "empty"
    assert results[2].why.startswith("damaged image: ")
    assert results[3].why.startswith("damaged video after 0 frames: ")


@pytest.mark.parametrize(
    ("mode", "name"),
    [("w", "a.tar"), ("w:gz", "a.tgz"), ("w:bz2", "a.tar.bz2"), ("w:xz", "a.tar.xz")],
)
def test_a_tar(tmp_path, mode, name):
    with tarfile.open(tmp_path / name, mode) as tar:
        for member, content in {"x/1.jpg": JPEG, "x/1.txt": b"text", "x/2.png": b"bad"}.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    results = read_all(tmp_path / name)
    assert [result.eval_id for result in results] == [
        f"{name}!{member}" for member in ("x/1.jpg", "x/1.txt", "x/2.png")
    ]
    assert [type(result) for result in results] == [Picture, PassedOver, Unreadable]


def test_a_damaged_tar_is_named_after_what_was_read(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for member in ("1.jpg", "2.jpg"):
            info = tarfile.TarInfo(member)
            info.size = len(JPEG)
            tar.addfile(info, io.BytesIO(JPEG))
    whole = (tmp_path / "set.tar").read_bytes()
    for size in (len(whole) // 512 - 1) * 512, 512 + padded(len(JPEG)) + 300:
        (tmp_path / "set.tar").write_bytes(whole[:size].rstrip(b"\0"))
        first, *_, last = read_all(tmp_path / "set.tar")
        assert isinstance(first, Picture)
        assert last.eval_id == "set.tar"
        assert last.why.startswith("damaged tar, the rest of it was not read")


def write_table(path: Path, table: dict[str, object], kinds: dict[str, pa.DataType]) -> None:
    arrays = [pa.array(values, kinds[name]) for name, values in table.items()]
    pq.write_table(pa.table(arrays, names=list(table)), path)


HF_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def test_a_table_with_hf_images(tmp_path):
    rows = [{"bytes": JPEG, "path": "a.jpg"}, {"bytes": None, "path": "b.jpg"}, None]
    kinds = {"image": HF_IMAGE, "answer": pa.string()}
    write_table(tmp_path / "vqa.parquet", {"image": rows, "answer": ["x", "y", "z"]}, kinds)
    results = read_all(tmp_path / "vqa.parquet")
    assert results[0].eval_id == "vqa.parquet:0"
    assert results[1:] == [
        Unreadable("vqa.parquet:1", "no bytes in the table"),
        Unreadable("vqa.parquet:2", "no bytes in the table"),
    ]


def test_a_struct_whose_bytes_are_a_number_is_no_image(tmp_path):
    sizes = pa.struct([("bytes", pa.int64()), ("n", pa.int64())])
    kinds = {"size": sizes, "image": HF_IMAGE}
    rows = {"size": [{"bytes": 5, "n": 1}], "image": [{"bytes": PNG, "path": "a.png"}]}
    write_table(tmp_path / "t.parquet", rows, kinds)
    assert ids(tmp_path / "t.parquet") == ["t.parquet:0"]


def test_a_table_with_plain_and_several_images(tmp_path):
    table = {"jpg": [JPEG], "images": [[PNG, JPEG]], "key": [b"not an image"]}
    kinds = {"jpg": pa.binary(), "images": pa.list_(pa.large_binary()), "key": pa.binary()}
    write_table(tmp_path / "t.parquet", table, kinds)
    assert ids(tmp_path / "t.parquet") == [
        "t.parquet:0:jpg",
        "t.parquet:0:images:0",
        "t.parquet:0:images:1",
    ]


def test_a_table_without_images_or_damaged_is_named(tmp_path):
    write_table(tmp_path / "t.parquet", {"text": ["a"]}, {"text": pa.string()})
    assert read_all(tmp_path / "t.parquet") == [
        Unreadable("t.parquet", "no image column among ['text']")
    ]
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing")
    (damaged,) = read_all(tmp_path / "t.parquet")
    assert damaged.why.startswith("damaged Parquet")


def test_a_list_of_paths(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1").write_bytes(JPEG)
    (tmp_path / "images" / "2").write_bytes(b"text")
    (tmp_path / "list.txt").write_text("images/1\n\nimages/2\nimages/3\n")
    first, second, third = read_all(tmp_path / "list.txt")
    assert isinstance(first, Picture)
    assert second == Unreadable("images/2", "neither image nor video, it begins with b'text'")
    assert third == Unreadable("images/3", "No such file or directory")


def test_one_file_is_a_set(tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    assert ids(tmp_path / "a.jpg") == ["a.jpg"]


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ids(tmp_path / "none")


def test_links_are_followed_and_what_is_no_file_is_listed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(tmp_path / "set" / "pipe.jpg")
    gone, picture, pipe = read_all(tmp_path / "set")
    assert gone == Unreadable("gone.jpg", "No such file or directory")
    assert isinstance(picture, Picture)
    assert picture.eval_id == "images/1.jpg"
    assert pipe == Unreadable("pipe.jpg", "no regular file")


# What the bytes are


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_image_formats(form):
    (result,) = pictures_of(encoded(pixels(), form), is_expected=False)
    assert result.image.size == (64, 48)


def test_transparent_images_stand_on_white():
    image = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    (result,) = pictures_of(encoded(image, "PNG"))
    assert result.image.getpixel((3, 3)) == (255, 255, 255)


def test_images_of_16_bits_are_scaled():
    image = Image.fromarray(np.full((4, 4), 0x8000, dtype=np.uint16))
    (result,) = pictures_of(encoded(image, "PNG"))
    assert result.image.mode == "L"
    assert abs(result.image.getpixel((0, 0)) - 127) <= 1


def test_images_stand_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    (result,) = pictures_of(encoded(pixels(), exif=exif))
    assert result.image.size == (48, 64)


def test_large_images_are_decoded_small_or_listed(monkeypatch):
    (result,) = pictures_of(encoded(pixels(size=(2048, 1600))))
    assert result.image.size == (512, 400)
    monkeypatch.setattr(eval_sets, "MAX_PIXELS", 100)
    assert pictures_of(JPEG) == [Unreadable("id", "64 x 48 px, too large")]


def test_a_bomb_is_listed():
    header = b"\0\1\0\0" * 2 + b"\x08\0\0\0\0"  # 65536 x 65536 px
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\r" + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    assert pictures_of(bomb) == [Unreadable("id", "damaged image: its header cannot be read")]
    bomb += b"\0\0\0\1IDATx"
    assert pictures_of(bomb) == [Unreadable("id", "too large")]


def test_a_video_gives_a_frame_a_second():
    results = pictures_of(video(frames=10, rate=4))
    assert [result.eval_id for result in results] == ["id#t=0.000", "id#t=1.000", "id#t=2.000"]
    assert results[0].image.size == (64, 48)


def sound() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=8000, layout="mono")
        samples = np.zeros((1, 4096), dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return stream.getvalue()


def test_a_video_without_pictures_is_listed():
    assert pictures_of(sound()) == [Unreadable("id", "a video without pictures")]


def test_a_video_without_frames_is_listed():
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as container:
        track = container.add_stream("mpeg4", rate=5)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    (result,) = pictures_of(stream.getvalue())
    assert result.why in ("a video without frames", "a video without pictures") or (
        result.why.startswith("damaged video after 0 frames")
    )


def test_other_containers_are_known():
    for magic in (b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI ", b"\0\0\0\x18moov"):
        (result,) = pictures_of(magic + bytes(50))
        assert result.why.startswith(("damaged video after 0 frames", "a video without"))


def test_a_picture_that_cannot_be_opened_is_listed(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    (entry,) = read_entries(tmp_path)
    (tmp_path / "list.txt").write_text("folder\n")
    (tmp_path / "folder").mkdir()
    assert entry.eval_id == "a.jpg"
    assert list(read_entries(tmp_path / "list.txt")) == [Unreadable("folder", "Is a directory")]


@pytest.mark.parametrize("name", ["more.zip", "PHOTOS.TAR.GZ", "rows.parquet", "a.7z"])
def test_an_archive_in_a_tar_is_named(tmp_path, name):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as tar:
        for member, content in (("1.jpg", JPEG), (name, b"PK\3\4"), ("notes.md", b"x")):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    picture, archive, other = read_all(path)
    assert picture.eval_id == "set.tar!1.jpg"
    why = "an archive that is not read: unpack it first"
    assert archive == Unreadable(f"set.tar!{name}", why)
    assert other == PassedOver("set.tar!notes.md")


def test_a_zip_in_a_folder_is_named(tmp_path):
    (tmp_path / "1.jpg").write_bytes(JPEG)
    (tmp_path / "more.zip").write_bytes(b"PK\3\4")
    assert [type(one) for one in read_all(tmp_path)] == [Picture, Unreadable]


def test_a_list_may_begin_with_a_mark_and_name_what_no_system_holds(tmp_path):
    (tmp_path / "1.jpg").write_bytes(JPEG)
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbf1.jpg\r\n" + b"n" * 300 + b".jpg\n")
    picture, lost = read_all(path)
    assert picture.eval_id == "1.jpg"
    assert lost == Unreadable("n" * 300 + ".jpg", "File name too long")
