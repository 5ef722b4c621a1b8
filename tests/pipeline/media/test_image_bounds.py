"""Hostile images in a process of their own: no crash, bounded memory, no fill passed as a picture.

Grey fill is what a decoder puts where data are missing: a picture that ends in rows of one colour
though the one that was written does not.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.media.image import ImageLimits, decode_image

HOME = Path(__file__).resolve().parents[3]
MOST_MB = 400
FORMATS = {
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "fine": ("JPEG", {"quality": 95, "subsampling": 0}),
    "cmyk": ("JPEG", {}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "lossless": ("WEBP", {"lossless": True}),
    "avif": ("AVIF", {}),
}

CHILD = """
import json, random, sys, warnings
from collections import Counter
from pathlib import Path
import numpy as np
from pipeline.media.image import ImageLimits, decode_image
from schemas.rejection import BadInput

warnings.simplefilter("ignore")
found, ends_flat, names = Counter(), [], {}


def decode(name, content):
    try:
        image = decode_image(content, ImageLimits())
    except BadInput as bad:
        found[str(bad.why.reason)] += 1
        names[name] = str(bad.why.reason)
        return
    found["picture"] += 1
    names[name] = f"{image.width}x{image.height}"
    last = np.asarray(image.crop((0, max(0, image.height - 8), image.width, image.height)))
    if image.height >= 8 and (last == last[0, 0]).all() and last.any():  # black is ink, of CMYK
        ends_flat.append(name)


for path in sorted(Path(sys.argv[1]).iterdir()):
    whole = path.read_bytes()
    draw = random.Random(path.name)
    if sys.argv[2] == "whole":
        decode(path.name, whole)
    for number in range(250 if sys.argv[2] == "flips" else 0):
        content = bytearray(whole)
        for _ in range(draw.choice((1, 1, 4, 40))):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        decode(f"{path.name} {number}", bytes(content))
    for number in range(100 if sys.argv[2] == "cuts" else 0):
        cut = whole[: draw.randrange(len(whole) // 10, len(whole) - len(whole) // 50)]
        decode(f"{path.name} {number}", cut + (b"\\xff\\xd9" if number % 2 else b""))
# Not ru_maxrss: that begins with what the parent held when it forked.
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps({"found": found, "flat": ends_flat, "peak": peak, "names": names}))
"""


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height))


def decoded(folder, how):
    """What a process of its own makes of the files of a folder."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), how],
        capture_output=True,
        text=True,
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": str(HOME)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def pictures(tmp_path):
    for name, (kind, options) in FORMATS.items():
        image = noise(160, 120).convert("CMYK") if name == "cmyk" else noise(160, 120)
        (tmp_path / name).write_bytes(saved(image, kind, **options))
    return tmp_path


def test_two_thousand_flips_give_pictures_or_reasons_in_bounded_memory(pictures):
    result = decoded(pictures, "flips")
    assert sum(result["found"].values()) == 2000
    assert {"picture", "undecodable"} <= set(result["found"])
    assert set(result["found"]) <= {"picture", "undecodable", "not_media", "too_large"}
    assert result["flat"] == []
    assert result["peak"] < MOST_MB


def test_what_is_cut_is_no_picture(pictures):
    result = decoded(pictures, "cuts")
    assert sum(result["found"].values()) == 800
    assert set(result["found"]) == {"undecodable"}
    assert result["peak"] < MOST_MB


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, depth, colour, raw, before=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(raw, 9))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def test_the_traps_that_were_measured_are_refused_without_much_memory(tmp_path):
    photo = saved(noise(400, 300), "JPEG")
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200 << 20), 9))
    traps = {
        "171 megapixels": (png(13_076, 13_077, 1, 0, bytes(13_077 * 1636)), "too_large"),
        "88 megapixels": (png(9_380, 9_381, 1, 0, bytes(9_381 * 1174)), "too_large"),
        "400 megapixels": (png(20_000, 20_000, 8, 0, b""), "too_large"),
        "a header of 2^31": (png(2**31 - 1, 2**31 - 1, 8, 2, b""), "too_large"),
        "text of 200 MB": (png(64, 64, 8, 0, bytes(64 * 65), before=text), "undecodable"),
        "a truncated JPEG": (photo[: len(photo) // 2], "undecodable"),
        "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        "HTML": (b"<!doctype html><p>404", "not_media"),
        "an archive behind a JPEG": (photo + b"PK\3\4" + bytes(1 << 20), "400x300"),
    }
    for name, (content, _) in traps.items():
        (tmp_path / name).write_bytes(content)
    result = decoded(tmp_path, "whole")
    assert result["names"] == {name: expected for name, (_, expected) in traps.items()}
    assert result["peak"] < 150


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "transparent", "cmyk", "webp", "avif"])
def test_the_largest_that_are_decoded_take_bounded_memory(tmp_path, kind):
    most = ImageLimits().max_pixels
    weight, form, options = {
        "plain": (1, "JPEG", {}),
        "transparent": (2, "PNG", {"compress_level": 1}),
        "cmyk": (2.25, "JPEG", {}),
        "webp": (4, "WEBP", {"quality": 20, "method": 0}),
        "avif": (2, "AVIF", {"quality": 20, "speed": 10}),
    }[kind]
    side = int((most / weight) ** 0.5)
    ramp = Image.linear_gradient("L").resize((side, side))
    image = Image.merge("RGB", (ramp, ramp.transpose(Image.Transpose.ROTATE_90), ramp))
    if kind in ("transparent", "webp"):
        image.putalpha(ramp)
    if kind == "cmyk":
        image = image.convert("CMYK")
    image.save(tmp_path / "largest", form, **options)
    result = decoded(tmp_path, "whole")
    assert result["names"] == {"largest": f"{side}x{side}"}
    assert result["peak"] < MOST_MB


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_every_pixel_stands_where_its_exif_says(orientation, kind, options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(noise(96, 64), kind, exif=exif, **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert np.array_equal(decode_image(content, ImageLimits()), upright)


def test_every_grey_of_sixteen_bits_is_the_nearest_of_eight():
    values = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    image = decode_image(saved(Image.fromarray(values), "PNG"), ImageLimits())
    expected = np.floor(values / 257 + 0.5).astype(np.uint8)
    assert np.array_equal(np.asarray(image), np.stack([expected] * 3, axis=-1))


def test_every_colour_at_every_alpha_lies_on_white():
    colours, alphas = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([colours, 255 - colours, colours // 2, alphas], axis=-1).astype(np.uint8)
    image = decode_image(saved(Image.fromarray(pixels), "PNG"), ImageLimits())
    share = alphas[..., None] / 255
    expected = pixels[..., :3] * share + 255 * (1 - share)
    assert np.abs(np.asarray(image) - expected).max() <= 0.5 + 1e-9


def test_every_cmyk_pixel_is_what_its_inks_leave_of_white():
    """Adobe's files, and Pillow's, hold inks inverted and say so in their APP14 marker."""
    draw = np.random.default_rng(1)
    inks = draw.integers(0, 256, (8, 8, 4), np.uint8).repeat(16, 0).repeat(16, 1)
    content = saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in content
    left = 1 - inks.astype(float) / 255
    expected = 255 * left[..., :3] * left[..., 3:]
    image = np.asarray(decode_image(content, ImageLimits()), float)
    assert np.abs(image - expected).max() <= 4  # of the JPEG's own rounding
