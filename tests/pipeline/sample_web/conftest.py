"""Pages of the made-up web with images too small to cost time."""

import pytest

from pipeline.sample_web import studio
from pipeline.sample_web.movies import VideoFile
from pipeline.sample_web.web import build_page

SEED = 7


@pytest.fixture(scope="session")
def small_pages():
    """A hundred and twenty pages whose content images measure 66 x 65 px and whose videos are no videos."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio, "draw_size", lambda rng: (66, 65))
        patch.setattr(studio, "render_movie", lambda movie: VideoFile(b"mp4", 320, 240, 2.0))
        patch.setattr(studio, "render_copy", lambda image, movie: VideoFile(b"mp4", 320, 240, 2.0))
        return [build_page(index, SEED) for index in range(120)]


@pytest.fixture(scope="session")
def kept_pages(small_pages):
    """The truth of the pages worth keeping."""
    return [page.truth for page in small_pages if page.truth["expect"] == "kept"]
