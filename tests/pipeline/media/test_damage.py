import io

import av
import pytest
from PIL import Image

from pipeline.media.damage import refuse_cut_jpeg, webp_size
from pipeline.media.image import ImageLimits, decode_image
from schemas.rejection import BadInput


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


PICTURE = Image.linear_gradient("L").convert("RGB")


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}])
def test_a_webp_tells_its_size(options):
    assert webp_size(saved(PICTURE, "WEBP", **options)) == (256, 256)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"RIFF\0\0\0\0WEBPVP8 " + bytes(40), b"RIFF\0\0\0\0WAVEfmt " + bytes(40)],
)
def test_what_is_no_webp_has_no_size(content):
    assert webp_size(content) is None


def test_a_cut_jpeg_is_refused_and_a_whole_one_is_not():
    whole = saved(PICTURE, "JPEG")
    refuse_cut_jpeg(whole)
    with pytest.raises(BadInput, match="undecodable: cut short"):
        refuse_cut_jpeg(whole[: len(whole) // 2] + b"\xff\xd9")


def test_a_jpeg_of_a_kind_that_ffmpeg_does_not_know_is_not_refused(monkeypatch):
    asked = []

    class Puzzled:
        def decode(self, packet):
            asked.append(packet)
            raise av.PatchWelcomeError(1, "not yet")

    class Codecs:
        create = staticmethod(lambda *_: Puzzled())

    monkeypatch.setattr(av, "CodecContext", Codecs)
    refuse_cut_jpeg(saved(PICTURE, "JPEG"))
    assert len(asked) == 1


def test_an_orientation_that_cannot_be_read_is_none(monkeypatch):
    def fail(self):
        raise ValueError

    content = saved(PICTURE.resize((200, 100)), "PNG")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.getexif", fail)
    assert decode_image(content, ImageLimits()).size == (200, 100)
