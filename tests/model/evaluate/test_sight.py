from pathlib import Path

import numpy as np
import pytest
import torch

from model.evaluate.sets import SetError
from model.evaluate.sight import FRAMES, Sight
from model.evaluate.subject import Subject, load_subject
from schemas.benchmarks.items import Media


@pytest.fixture(scope="module")
def subject(run_folder: Path) -> Subject:
    return load_subject(run_folder, "cpu")


def count_frames(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames of each call of the vision tower from now on."""
    counts: list[int] = []
    inner = subject.model.vision.forward

    def counted(pixels: torch.Tensor) -> torch.Tensor:
        counts.append(len(pixels))
        return inner(pixels)

    monkeypatch.setattr(subject.model.vision, "forward", counted)
    return counts


def test_an_image_is_encoded_once(
    subject: Subject, sets_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = count_frames(subject, monkeypatch)
    sight = Sight(subject, 0)
    one, two = Media(sets_folder / "0.png"), Media(sets_folder / "1.png")
    both = sight.latents((one, two))
    assert both.shape == (2, 4, 16)
    assert torch.equal(sight.latents((two, one)), both.flip(0))
    assert counts == [1, 1]
    assert len(sight.latents(())) == 0
    assert not both.requires_grad


def test_a_video_shows_30_frames_at_3_a_second(
    subject: Subject,
    sets_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_video,
) -> None:
    """Of 12 seconds 10 are seen; time embeddings of 4 frames are stretched over 30."""
    (tmp_path / "long.mp4").write_bytes(make_video([(200, 0, 0), (0, 200, 0), (0, 0, 200)], 4))
    counts = count_frames(subject, monkeypatch)
    stretched: list[int] = []
    inner = subject.model.resampler.time_embeddings

    def told(frames: int) -> torch.Tensor:
        stretched.append(frames)
        return inner(frames)

    monkeypatch.setattr(subject.model.resampler, "time_embeddings", told)
    long = Media(tmp_path / "long.mp4", is_video=True)
    latents = Sight(subject, 0).latents((long,))
    assert latents.shape == (1, 4, 16)
    assert counts == stretched == [30] == [FRAMES.frames]
    assert torch.equal(Sight(subject, 0).latents((long,)), latents)
    short = Media(sets_folder / "colours.mp4", is_video=True)
    Sight(subject, 0).latents((short,))
    assert counts[-1] == stretched[-1] == 9  # three seconds


def test_features_are_the_mean_of_the_grid(subject: Subject, sets_folder: Path) -> None:
    sight = Sight(subject, 0)
    one, two = Media(sets_folder / "0.png"), Media(sets_folder / "1.png")
    grid = subject.model.vision(torch.from_numpy(sight._frames(one)))[0]
    mean = grid.mean(0).numpy()
    assert sight.features((one,)) == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert np.linalg.norm(sight.features((one, two))) == pytest.approx(1)


def test_what_cannot_be_seen_is_named(subject: Subject, tmp_path: Path) -> None:
    sight = Sight(subject, 0)
    (tmp_path / "a.jpg").write_bytes(b"no image")
    for media, why in [
        (Media(tmp_path / "a.jpg"), "a.jpg: undecodable"),
        (Media(tmp_path / "a.jpg", is_video=True), "a.jpg: undecodable"),
        (Media(tmp_path / "b.jpg"), "b.jpg: No such file"),
    ]:
        with pytest.raises(SetError, match=why):
            sight.latents((media,))
