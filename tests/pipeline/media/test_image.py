import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from pipeline.media.image import (
    ImageLimits,
    decode_image,
    encode_jpeg,
    judge_image_pixels,
    judge_image_size,
    open_header,
    resize_image,
)
from schemas.rejection import BadInput, Reason, Why

LIMITS = ImageLimits()


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(width=200, height=100, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height))


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, colour_type, depth, raw, *, before=b""):
    """A PNG written by hand, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(raw, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + body + chunk(b"IEND", b"")


def refusal(content, limits=LIMITS):
    with pytest.raises(BadInput) as caught:
        decode_image(content, limits)
    return caught.value.why


FORMATS = [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("AVIF", {})]


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_a_header_tells_format_and_size(kind, options):
    header = open_header(saved(noise(), kind, **options), LIMITS)
    assert (header.format, header.width, header.height) == (kind, 200, 100)


def test_a_webp_with_an_alpha_channel_tells_its_size():
    image = noise().convert("RGBA")
    image.putalpha(100)
    assert open_header(saved(image, "WEBP"), LIMITS).width == 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_first_bytes_of_a_picture_are_enough_for_its_header(kind):
    start = saved(noise(2000, 1000), kind)[:1024]
    assert open_header(start, LIMITS).width == 2000


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_pixels_come_back(kind, options):
    image = noise()
    decoded = decode_image(saved(image, kind, **options), LIMITS)
    assert (decoded.mode, decoded.size) == ("RGB", (200, 100))
    assert np.abs(np.asarray(decoded, int) - np.asarray(image, int)).mean() < 12


NO_PICTURES = {
    "html": b"<!doctype html><p>404",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "empty": b"",
    "pdf": b"%PDF-1.7 ...",
    "gif": saved(noise().convert("P"), "GIF"),
    "bmp": saved(noise(), "BMP"),
    "tiff": saved(noise(), "TIFF"),
    "ico": saved(noise(64, 64), "ICO"),
    "ppm": saved(noise(), "PPM"),
}


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_other_formats_are_refused_by_their_first_bytes(kind):
    named = {"svg", "gif", "bmp", "tiff", "ico"}
    why = refusal(NO_PICTURES[kind])
    assert why.reason is (Reason.FORMAT if kind in named else Reason.NOT_MEDIA)
    assert why.limit == "JPEG PNG WEBP AVIF"
    assert why.value == (kind.upper() if kind in named else NO_PICTURES[kind][:8].hex())
    with pytest.raises(BadInput, match=str(why.reason)):
        open_header(NO_PICTURES[kind], LIMITS)


def test_a_header_damaged_after_its_magic_is_undecodable():
    assert refusal(b"\x89PNG and no more") == Why(Reason.UNDECODABLE, "PNG")


def test_the_first_frame_of_a_gif_by_recipe():
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("red", "blue")]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    image = decode_image(content, ImageLimits(formats=("GIF",)))
    assert image.getpixel((40, 40)) == (255, 0, 0)


def test_the_first_frame_of_an_animated_webp():
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("red", "blue")]
    content = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert decode_image(content, LIMITS).getpixel((40, 40)) == (255, 0, 0)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_is_decoded():
    side = 13_100  # 171 megapixels in some 25 KB
    content = png(side, side, 0, 1, bytes(side * (1 + -(-side // 8))))
    assert refusal(content) == Why(Reason.TOO_LARGE, side * side, LIMITS.max_pixels)


def test_a_bomb_that_pillow_warns_of_is_refused_where_warnings_are_errors():
    side = 9_500
    content = png(side, side, 0, 1, b"")
    assert refusal(content) == Why(Reason.TOO_LARGE, None, LIMITS.max_pixels)


def test_a_header_that_claims_the_moon_is_refused():
    assert refusal(png(2**31 - 1, 2**31 - 1, 2, 8, b"")).reason is Reason.TOO_LARGE


def test_a_long_side_is_refused():
    content = png(30_000, 1, 0, 8, bytes(30_001))
    assert refusal(content) == Why(Reason.TOO_LARGE, 30_000, 20_000)


def test_a_webp_bomb_is_refused_by_its_header():
    content = bytearray(saved(noise(), "WEBP", lossless=True))
    content[21:25] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    assert refusal(bytes(content)) == Why(Reason.TOO_LARGE, 16384 * 16384, LIMITS.max_pixels // 4)


def test_a_text_bomb_in_a_png_is_refused():
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(8 << 20), 9))
    content = png(64, 64, 0, 8, bytes(64 * 65), before=text)
    assert refusal(content).reason is Reason.UNDECODABLE


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_half_a_picture_is_no_picture(kind, options):
    content = saved(noise(400, 400), kind, **options)
    assert refusal(content[: len(content) // 2]).reason in (Reason.UNDECODABLE, Reason.NOT_MEDIA)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_half_a_jpeg_with_an_end_marker_is_no_picture(progressive, share):
    content = saved(noise(400, 400), "JPEG", progressive=progressive)
    cut = content[: int(len(content) * share)] + b"\xff\xd9"
    assert refusal(cut) == Why(Reason.UNDECODABLE, "cut short")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_whole_jpeg_with_a_flat_end_is_a_picture(progressive):
    image = noise(400, 400)
    image.paste((255, 255, 255), (0, 300, 400, 400))
    content = saved(image, "JPEG", progressive=progressive)
    assert decode_image(content, LIMITS).size == (400, 400)


def test_a_flat_end_of_a_jpeg_with_a_thumbnail_is_a_picture():
    exif = Image.Exif()
    exif[0x010E] = "a description"
    image = noise(400, 400)
    image.paste((255, 255, 255), (0, 300, 400, 400))
    thumbnail = saved(noise(40, 40), "JPEG")
    content = saved(image, "JPEG", exif=exif.tobytes() + thumbnail)
    assert decode_image(content, LIMITS).size == (400, 400)


def test_what_is_appended_to_a_picture_does_not_matter():
    content = saved(noise(), "JPEG") + b"PK\x03\x04<script>alert(1)</script>"
    assert b"script" not in encode_jpeg(decode_image(content, LIMITS), LIMITS)


def test_the_name_of_a_picture_does_not_matter_but_its_bytes_do():
    assert (
        open_header(saved(noise(), "JPEG"), ImageLimits(formats=("PNG", "JPEG"))).format == "JPEG"
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(orientation):
    upright = Image.new("RGB", (96, 64), "white")
    upright.paste("red", (0, 0, 48, 32))  # top left
    upright.paste("blue", (48, 32, 96, 64))  # bottom right
    turn = Image.Transpose
    undone = {
        1: None,
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }[orientation]
    stored = upright if undone is None else upright.transpose(undone)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind, options in (("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True})):
        decoded = decode_image(saved(stored, kind, exif=exif, **options), LIMITS)
        assert decoded.size == (96, 64)
        assert close(decoded.getpixel((8, 8)), (255, 0, 0))
        assert close(decoded.getpixel((88, 56)), (0, 0, 255))
        assert close(decoded.getpixel((88, 8)), (255, 255, 255))


def close(pixel, expected, by=6):
    return max(abs(a - b) for a, b in zip(pixel, expected, strict=True)) <= by


@pytest.mark.filterwarnings("ignore")
def test_a_broken_exif_does_not_spoil_a_picture():
    content = saved(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(40))
    assert decode_image(content, LIMITS).size == (200, 100)


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (33287, 130), (65535, 255), (257, 1)])
def test_sixteen_bits_are_scaled(value, expected):
    grey = Image.fromarray(np.full((64, 64), value, np.uint16))
    assert decode_image(saved(grey, "PNG"), LIMITS).getpixel((5, 5)) == (expected,) * 3


def test_sixteen_bits_of_three_colours_are_scaled():
    row = b"\0" + struct.pack(">HHH", 33287, 0, 65535) * 64
    pixel = decode_image(png(64, 64, 2, 16, row * 64), LIMITS).getpixel((5, 5))
    assert close(pixel, (130, 0, 255), 1)


def test_a_transparent_grey_of_sixteen_bits_is_white():
    row = b"\0" + struct.pack(">H", 1000) * 32 + struct.pack(">H", 30000) * 32
    content = png(64, 64, 0, 16, row * 64, before=chunk(b"tRNS", struct.pack(">H", 1000)))
    image = decode_image(content, LIMITS)
    assert (image.getpixel((0, 0)), image.getpixel((63, 0))) == ((255,) * 3, (117,) * 3)


def test_what_is_transparent_is_white():
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 0, 0, 128), (0, 0, 32, 64))
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        decoded = decode_image(saved(image, kind, **options), LIMITS)
        assert decoded.getpixel((60, 5)) == (255, 255, 255)
        assert decoded.getpixel((5, 5)) == (127, 127, 127)


def test_transparent_palettes_grey_and_keyed_colours_are_white():
    palette = Image.new("P", (64, 64), 1)
    palette.putpalette([9, 9, 9, 200, 0, 0])
    grey = Image.new("LA", (64, 64), (0, 0))
    keyed = Image.new("RGB", (64, 64), (1, 2, 3))
    for image, options in (
        (palette, {"transparency": 1}),
        (palette, {"transparency": b"\xff\x00"}),
        (grey, {}),
        (keyed, {"transparency": (1, 2, 3)}),
    ):
        assert decode_image(saved(image, "PNG", **options), LIMITS).getpixel((5, 5)) == (255,) * 3


def test_large_pictures_are_turned_to_rgb_in_bands(monkeypatch):
    image = noise(200, 100).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((200, 100)))
    sixteen = Image.fromarray(np.arange(200 * 100, dtype=np.uint16).reshape(100, 200) * 3)
    contents = [saved(image, "PNG", icc_profile=swapped_profile()), saved(sixteen, "PNG")]
    contents.append(saved(noise(200, 100).quantize(), "PNG", transparency=3))
    whole = [decode_image(content, LIMITS).tobytes() for content in contents]
    monkeypatch.setattr("pipeline.media.image._BAND_PIXELS", 200 * 7)
    assert [decode_image(content, LIMITS).tobytes() for content in contents] == whole


def test_one_bit_and_grey_become_rgb():
    for image in (Image.new("1", (64, 64), 1), Image.new("L", (64, 64), 255)):
        decoded = decode_image(saved(image, "PNG"), LIMITS)
        assert (decoded.mode, decoded.getpixel((1, 1))) == ("RGB", (255, 255, 255))


def test_cmyk_becomes_rgb():
    content = saved(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95)
    assert close(decode_image(content, LIMITS).getpixel((5, 5)), (255, 0, 0))


def test_a_colour_profile_is_carried_out():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    grey = Image.new("RGB", (64, 64), (100, 150, 200))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decode_image(saved(grey, "PNG", icc_profile=srgb), LIMITS).getpixel((1, 1)) == (
        100,
        150,
        200,
    )
    misfit = saved(grey, "PNG", icc_profile=profile)  # Lab numbers for an RGB picture
    assert decode_image(misfit, LIMITS).getpixel((1, 1)) == (100, 150, 200)
    broken = saved(grey, "PNG", icc_profile=b"no profile at all")
    assert decode_image(broken, LIMITS).getpixel((1, 1)) == (100, 150, 200)


def swapped_profile():
    """An RGB profile whose red and blue primaries are exchanged: easy to see when it is used."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for index in range(struct.unpack(">I", data[128:132])[0]):
        at = 132 + 12 * index
        name = bytes(data[at : at + 4])
        if name in (b"rXYZ", b"bXYZ"):
            data[at : at + 4] = b"bXYZ" if name == b"rXYZ" else b"rXYZ"
        if name == b"desc":
            start, size = struct.unpack(">II", data[at + 4 : at + 12])
            data[start : start + size] = bytes(data[start : start + size]).replace(
                "sRGB".encode("utf-16-be"), "odd.".encode("utf-16-be")
            )
    return bytes(data)


def test_colours_are_those_of_the_profile():
    content = saved(Image.new("RGB", (64, 64), (255, 0, 0)), "PNG", icc_profile=swapped_profile())
    assert close(decode_image(content, LIMITS).getpixel((1, 1)), (0, 0, 255))
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 32, 64))
    decoded = decode_image(saved(clear, "PNG", icc_profile=swapped_profile()), LIMITS)
    assert close(decoded.getpixel((1, 1)), (0, 0, 255))
    assert decoded.getpixel((60, 1)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((64, 64), None),
        ((64, 192), None),
        ((63, 64), Why(Reason.TOO_SMALL, 63, 64)),
        ((64, 193), Why(Reason.ASPECT, 3.016, 3.0)),
        ((193, 64), Why(Reason.ASPECT, 3.016, 3.0)),
        ((20_001, 10_000), Why(Reason.TOO_LARGE, 20_001, 20_000)),
        ((9_000, 8_000), Why(Reason.TOO_LARGE, 72_000_000, 64_000_000)),
        ((0, 0), Why(Reason.TOO_SMALL, 0, 64)),
    ],
)
def test_size_rules_of_the_paper(size, expected):
    assert judge_image_size(*size, LIMITS) == expected


def test_one_colour_says_nothing():
    assert judge_image_pixels(Image.new("RGB", (300, 200), "red"), LIMITS) == Why(
        Reason.SINGLE_COLOUR, 0.0, 1.0
    )
    jpeg = decode_image(saved(Image.new("RGB", (300, 200), (13, 200, 77)), "JPEG"), LIMITS)
    assert judge_image_pixels(jpeg, LIMITS) is not None


def test_a_faint_line_on_white_says_something():
    image = Image.new("RGB", (200, 200), "white")
    image.paste((0, 0, 0), (20, 100, 180, 103))
    assert judge_image_pixels(image, LIMITS) is None
    assert judge_image_pixels(noise(), LIMITS) is None


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 600))
@settings(max_examples=40, deadline=None)
def test_resizing_keeps_the_aspect_and_never_enlarges(width, height, side):
    resized = resize_image(Image.new("L", (width, height)), side)
    assert max(resized.size) == min(side, max(width, height))
    assert min(resized.size) >= 1
    if max(width, height) > side:
        assert abs(min(resized.size) - min(width, height) * side / max(width, height)) <= 1


def test_a_jpeg_is_a_function_of_its_pixels():
    image = noise(1000, 700)
    first = encode_jpeg(image, LIMITS)
    image.info = {"comment": b"secret", "icc_profile": b"x" * 99, "dpi": (7, 7)}
    assert encode_jpeg(image, LIMITS) == first
    assert b"secret" not in first
    again = Image.open(io.BytesIO(first))
    assert (again.size, again.mode, again.format) == ((512, 358), "RGB", "JPEG")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_flipped_bytes_give_a_picture_or_a_reason(kind, options):
    whole = saved(noise(160, 120), kind, **options)
    draw = random.Random(kind)
    reasons = set()
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(draw.choice((1, 1, 4, 40))):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        try:
            image = decode_image(bytes(content), LIMITS)
        except BadInput as refused:
            reasons.add(refused.why.reason)
        else:
            assert image.mode == "RGB"
    assert reasons <= {Reason.UNDECODABLE, Reason.NOT_MEDIA, Reason.TOO_LARGE}


@pytest.mark.shared
def test_real_photos_all_pass(shared_data):
    for path in sorted((shared_data / "pairs-coco-mini").rglob("*.jpg"))[:20]:
        image = decode_image(path.read_bytes(), LIMITS)
        assert judge_image_size(*image.size, LIMITS) is None
        assert judge_image_pixels(image, LIMITS) is None


@pytest.mark.shared
def test_a_manual_has_icons_and_screenshots(shared_data):
    icons = screenshots = 0
    for path in sorted((shared_data / "site-gimp-help" / "images").rglob("*.png"))[:150]:
        header = open_header(path.read_bytes(), LIMITS)
        if judge_image_size(header.width, header.height, LIMITS):
            icons += 1
        else:
            assert decode_image(path.read_bytes(), LIMITS).size == (header.width, header.height)
            screenshots += 1
    assert icons
    assert screenshots
