"""An image out of hostile bytes: upright, sRGB, on white, or a reason why not.

Every rule here answers a trap that was measured: Pillow decodes 171 megapixels out of 166 KB with
no more than a warning, clips 16-bit grey to white, shows transparent pixels in whatever colour
they hide, and leaves photos on their side.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.media.damage import refuse_cut_jpeg, webp_size
from pipeline.media.formats import name_format
from schemas.recipe import bounded
from schemas.rejection import BadInput, Reason, Why

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    RuntimeError,  # libavif's
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on bytes that are not what they claim."""

_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
_BAND_PIXELS = 1 << 22
_WEBP_WEIGHT = 4.0  # libwebp's two canvases, a copy for Pillow, Pillow's own, without alpha
_ORIENTATION = 0x0112  # EXIF tag 274


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What makes an image worth keeping, and how it is kept.

    Side, aspect and single colour: Flamingo, arXiv 2204.14198, appendix A.3.1. The caps on side
    and pixels keep a small file from filling the memory; OBELICS has the same longest side.

    Attributes:
        min_side_px: a shorter side below this is out.
        max_aspect: longer side over shorter side above this is out.
        max_side_px: a longer side above this is never decoded.
        max_pixels: an area above this is never decoded; of WebP above a quarter of it, of AVIF, of
            CMYK and of what is transparent above less than half: so much more memory they take.
        min_std: where no channel's standard deviation reaches this, of 255, the image is flat; a
            faint drawing on one ground has more, one colour after JPEG has less.
        encoded_side_px: longest side of the image as kept; smaller ones are not enlarged.
        jpeg_quality: of the image as kept.
        formats: Pillow's names of the formats that are decoded, of animations the first frame;
            all others are refused unread.
        min_sharpness: a picture whose Laplacian has a variance below this is blurred; 0 keeps all.
            Shrunk to 256 px, photos in focus have hundreds and blurred ones tens.
        max_text_share: a picture on an even ground with more than this share of its ink in rows of
            letters is nothing but text; 1 keeps all.
    """

    min_side_px: int = bounded(64, at_least=1)
    max_aspect: float = bounded(3.0, at_least=1)
    max_side_px: int = bounded(20_000, at_least=1)
    max_pixels: int = bounded(64_000_000, at_least=1)
    min_std: float = bounded(1.0, at_most=128)
    encoded_side_px: int = bounded(512, at_least=1)
    jpeg_quality: int = bounded(90, at_least=1, at_most=100)
    formats: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "AVIF")
    min_sharpness: float = bounded(0.0)
    max_text_share: float = bounded(1.0, at_most=1)


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image says of itself before a pixel is decoded; its sides as stored, in px."""

    format: str
    width: int
    height: int


def open_header(content: bytes, limits: ImageLimits) -> ImageHeader:
    """Format and size of an image; of JPEG, PNG and WebP the first kilobytes are enough.

    Raises:
        BadInput: `format` where it is not one of the limits', `not_media` where it is no image,
            `too_large` where Pillow itself refuses the size, `undecodable` where the header is
            damaged.
    """
    if (size := webp_size(content)) and "WEBP" in limits.formats:
        return ImageHeader("WEBP", *size)
    image = _open(content, limits)
    return ImageHeader("JPEG" if image.format == "MPO" else str(image.format), *image.size)


def judge_image_size(width: int, height: int, limits: ImageLimits) -> Why | None:
    """Why an image of this size is out: too small, too large, or too long for its width."""
    shorter, longer = min(width, height), max(width, height)
    if shorter < limits.min_side_px:
        return Why(Reason.TOO_SMALL, shorter, limits.min_side_px)
    if longer > limits.max_side_px:
        return Why(Reason.TOO_LARGE, longer, limits.max_side_px)
    if longer * shorter > limits.max_pixels:
        return Why(Reason.TOO_LARGE, longer * shorter, limits.max_pixels)
    if longer / shorter > limits.max_aspect:
        return Why(Reason.ASPECT, round(longer / shorter, 3), limits.max_aspect)
    return None


def judge_image_pixels(image: "PilImage", limits: ImageLimits) -> Why | None:
    """Why the pixels say nothing: one colour, or so near to it that nothing can be seen.

    The paper drops "unambiguously low quality" images, "e.g. single-colour" (A.3.1).
    """
    import numpy as np

    small = image.reduce(max(1, min(image.size) // 64)) if min(image.size) >= 128 else image
    values = np.asarray(small, np.float64).reshape(-1, len(small.getbands()))
    std = float(values.std(axis=0).max())
    return (
        Why(Reason.SINGLE_COLOUR, round(std, 3), limits.min_std) if std < limits.min_std else None
    )


def decode_image(content: bytes, limits: ImageLimits) -> "PilImage":
    """The image in mode RGB: whole, upright, sRGB, 8 bits, transparent parts on white.

    The caps on side and pixels are checked before the decoder runs.

    Raises:
        BadInput: as `open_header`; `too_large`, and `undecodable` for what is cut or damaged.
    """
    if size := webp_size(content):
        _refuse_large(size, limits, _WEBP_WEIGHT)  # Pillow makes room for it as it opens it
    image = _open(content, limits)
    _refuse_large(image.size, limits, _weight(image))
    try:
        image.load()
        pixels = _upright(_to_rgb(image), _orientation(image))
    except _DAMAGE as error:
        raise BadInput(Reason.UNDECODABLE, type(error).__name__) from error
    if image.format in ("JPEG", "MPO") and ("progressive" in image.info or _has_flat_corner(image)):
        refuse_cut_jpeg(content)
    return pixels


def resize_image(image: "PilImage", side_px: int) -> "PilImage":
    """The image with its longer side at most `side_px`; aspect kept, never enlarged."""
    from PIL import Image

    longer = max(image.size)
    if longer <= side_px:
        return image
    width, height = (max(1, round(side * side_px / longer)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def encode_jpeg(image: "PilImage", limits: ImageLimits) -> bytes:
    """The image as JPEG at the recipe's size and quality: no metadata, same pixels same bytes."""
    from PIL import Image

    small = resize_image(image, limits.encoded_side_px)
    bare = Image.new("RGB", small.size)  # of its own, so that no comment or profile comes along
    bare.paste(small)
    stream = io.BytesIO()
    bare.save(stream, "JPEG", quality=limits.jpeg_quality)
    return stream.getvalue()


def _open(content: bytes, limits: ImageLimits) -> "PilImage":
    """An image whose header is read and whose pixels are not."""
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(content), formats=limits.formats)
    except UnidentifiedImageError:
        raise _unopened(content, limits) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(Reason.TOO_LARGE, None, limits.max_pixels) from None
    except _DAMAGE as error:
        raise BadInput(Reason.UNDECODABLE, type(error).__name__) from error


def _unopened(content: bytes, limits: ImageLimits) -> BadInput:
    """Of a format that the limits leave out; of none; or of one whose header is damaged."""
    name = name_format(content)
    if name in limits.formats:
        return BadInput(Reason.UNDECODABLE, name)
    read = " ".join(limits.formats)
    if name is None:
        return BadInput(Reason.NOT_MEDIA, content[:8].hex(), read)
    return BadInput(Reason.FORMAT, name, read)


def _weight(image: "PilImage") -> float:
    """How much more memory a pixel of this image takes than one of a plain JPEG, on its way to RGB.

    `tests/pipeline/media/test_image_bounds.py` holds the largest of each to 400 MB.
    """
    if image.format == "WEBP":
        return _WEBP_WEIGHT
    weight = 2.25 if image.mode == "CMYK" else 2.0 if image.format == "AVIF" else 1.0
    if image.mode in _SIXTEEN_BITS:
        weight = 1.25
    return weight + 1.0 if image.has_transparency_data else weight


def _refuse_large(size: tuple[int, int], limits: ImageLimits, weight: float) -> None:
    longer, pixels = max(size), size[0] * size[1]
    most_pixels = int(limits.max_pixels / weight)
    if longer > limits.max_side_px:
        raise BadInput(Reason.TOO_LARGE, longer, limits.max_side_px)
    if pixels > most_pixels:
        raise BadInput(Reason.TOO_LARGE, pixels, most_pixels)


def _to_rgb(image: "PilImage") -> "PilImage":
    """The image in sRGB, transparent parts on white; large ones a band at a time.

    A colour change makes up to four copies: of 64 megapixels over a gigabyte, of a band some MB.
    """
    from PIL import Image

    width, height = image.size
    rows = max(1, _BAND_PIXELS // width)
    if rows >= height or _is_plain(image):
        return _band_to_rgb(image)
    whole = Image.new("RGB", image.size)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(height, top + rows)))
        whole.paste(_band_to_rgb(band), (0, top))
    return whole


def _is_plain(image: "PilImage") -> bool:
    return (
        image.mode == "RGB" and not image.has_transparency_data and "icc_profile" not in image.info
    )


def _band_to_rgb(image: "PilImage") -> "PilImage":
    from PIL import Image

    profile = image.info.get("icc_profile")
    if image.mode in _SIXTEEN_BITS:
        return _to_srgb(_eight_bits(image), profile)
    if not image.has_transparency_data:
        colours = image.convert("RGB") if image.mode in ("P", "1", "YCbCr") else image
        return _to_srgb(colours, profile)
    whole = image.convert("RGBA")
    colours = image.getchannel("L") if image.mode == "LA" else whole.convert("RGB")
    white = Image.new("RGB", image.size, (255, 255, 255))
    return Image.composite(_to_srgb(colours, profile), white, whole.getchannel("A"))


def _eight_bits(image: "PilImage") -> "PilImage":
    """16-bit grey in 8 bits, its transparent grey white; Pillow's own conversion clips at 255."""
    import numpy as np
    from PIL import Image

    scaled = (np.arange(1 << 16, dtype=np.uint32) * 255 + 32767) // 65535
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        scaled[transparent] = 255
    return Image.fromarray(scaled.astype(np.uint8)[np.asarray(image)])


def _to_srgb(image: "PilImage", profile: bytes | None) -> "PilImage":
    """The image in mode RGB with its colour profile, if it has a usable one, carried out."""
    from PIL import ImageCms

    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                srgb = ImageCms.createProfile("sRGB")
                done = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
                return done if done is not None else image.convert("RGB")
        except (ImageCms.PyCMSError, *_DAMAGE):
            pass  # a profile that does not fit its image: shown without, as browsers do
    return image if image.mode == "RGB" else image.convert("RGB")


def _has_flat_corner(image: "PilImage") -> bool:
    """Whether the last pixels are one colour: what libjpeg fills up a picture cut short with.

    The last block is missing from all that are cut, wherever that is; rows before it need not be
    flat, and colour runs into them. Of 380 photos 20 end so (Flickr8k, COCO), and are looked at.
    """
    width, height = image.size
    corner = image.crop((max(0, width - 2), max(0, height - 2), width, height))
    return all(low == high for low, high in _extrema(corner))


def _extrema(image: "PilImage") -> list[tuple[int, int]]:
    return [band.getextrema() for band in image.split()]  # type: ignore[misc]


def _orientation(image: "PilImage") -> int:
    """The EXIF orientation, 1 where there is none or it cannot be read."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _upright(image: "PilImage", orientation: int) -> "PilImage":
    """The image turned as its EXIF orientation says (Exif 2.32, tag 274)."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image
