"""What becomes of bytes on their way to an image."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pipeline.media.image import ImageLimits
from pipeline.stages.decoding import Content, find_image
from pipeline.store.packs import PackWriter
from schemas.records import PackRef
from schemas.rejection import BadInput, Reason

CONTENT = Content(("http://a/",), PackRef("a" * 64, "p", 0, 1), "image")


def written():
    image = Image.new("RGB", (300, 200), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for y in range(10, 180, 20):
        draw.text((10, y), "a ferry of seven boxes", font=ImageFont.load_default(14), fill=0)
    return image


@pytest.mark.parametrize(
    ("image", "limits", "reason"),
    [
        (written(), ImageLimits(), None),
        (written(), ImageLimits(max_text_share=0.9), Reason.TEXT_ONLY),
        (written().filter(ImageFilter.GaussianBlur(4)), ImageLimits(), None),
        (
            written().filter(ImageFilter.GaussianBlur(4)),
            ImageLimits(min_sharpness=80),
            Reason.BLURRED,
        ),
        (Image.new("RGB", (99, 99)), ImageLimits(min_sharpness=80), Reason.SINGLE_COLOUR),
    ],
)
def test_an_image_is_refused_for_one_reason_that_the_recipe_asks_for(
    image, limits, reason, tmp_path
):
    stream = io.BytesIO()
    image.save(stream, "PNG")
    packs = PackWriter(str(tmp_path), "packs/one")
    if reason is None:
        found = find_image(stream.getvalue(), CONTENT, limits, packs)
        assert (found.media.width, found.media.height) == image.size
    else:
        with pytest.raises(BadInput) as bad:
            find_image(stream.getvalue(), CONTENT, limits, packs)
        assert bad.value.why.reason is reason
    packs.close()
