"""Short videos of moving scenes: MP4 files with sentences that tell what moves where."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, replace
from math import cos, pi, sin
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pipeline.sample_web.render import Shift, render_frames
from pipeline.sample_web.scenes import Scene, Thing, draw_scene
from pipeline.sample_web.words import capitalised, name_setting, name_thing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from PIL import Image

FPS = 8
SIZES = ((320, 240), (320, 180), (240, 320), (288, 216))

_VERBS = (("glides", "glide"), ("moves", "move"), ("slides", "slide"), ("drifts", "drift"))
_PATHS = {
    "right": ("from left to right", "from the left side to the right"),
    "left": ("from right to left", "from the right side to the left"),
    "up": ("upwards", "from the bottom to the top"),
    "down": ("downwards", "from the top to the bottom"),
    "circle": ("round in a circle", "in a circle"),
    "swing": ("from side to side", "to and fro"),
}
_STILL = (("stands still", "stand still"), ("does not move", "do not move"), ("waits", "wait"))
_ALONG = {"alone": tuple(_PATHS), "stack": ("right", "left", "swing"), "sides": ("up", "down")}


@dataclass(frozen=True, slots=True)
class Movie:
    """What a video shows.

    Attributes:
        scene: the things at rest.
        paths: for each thing the name of its movement, or "still".
        seconds: duration.
        size: width and height in px.
    """

    scene: Scene
    paths: tuple[str, ...]
    seconds: int
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class VideoFile:
    """An MP4 file with its true size and duration."""

    data: bytes
    width: int
    height: int
    seconds: float


def draw_movie(rng: Random) -> Movie:
    """A random movie of 2 to 8 seconds in which at least one thing moves."""
    while (scene := draw_scene(rng)).layout not in _ALONG:
        pass
    scene = replace(scene, things=tuple(_fewer(thing) for thing in scene.things))
    paths = [rng.choice(_ALONG[scene.layout]) for _ in scene.things]
    if len(paths) > 1 and rng.random() < 0.5:
        paths[rng.randrange(len(paths))] = "still"
    return Movie(scene, tuple(paths), rng.randint(2, 8), rng.choice(SIZES))


def _fewer(thing: Thing) -> Thing:
    """The thing small enough, and few enough, to move about."""
    return replace(thing, size="medium", count=min(thing.count, 2))


def describe_movie(movie: Movie, rng: Random) -> str:
    """A clause on what moves where: "a red fish glides from left to right in the snow"."""
    told = [_tell(t, path, rng) for t, path in zip(movie.scene.things, movie.paths, strict=True)]
    joint = rng.choice((" while ", ", and ", " as "))
    return f"{joint.join(told)} {name_setting(movie.scene, rng)}"


def caption_movie(movie: Movie, rng: Random) -> str:
    """What moves where, as a sentence."""
    return f"{capitalised(describe_movie(movie, rng))}."


def _tell(thing: Thing, path: str, rng: Random) -> str:
    number = 0 if thing.count == 1 else 1
    name = name_thing(replace(thing, size="medium"), rng)
    if path == "still":
        return f"{name} {rng.choice(_STILL)[number]}"
    return f"{name} {rng.choice(_VERBS)[number]} {rng.choice(_PATHS[path])}"


def _shift(path: str, time: float, reach: float) -> Shift:
    """How far a thing is from its place at `time` in [0, 1]."""
    along = reach * (2 * time - 1)
    match path:
        case "right":
            return along, 0.0
        case "left":
            return -along, 0.0
        case "up":
            return 0.0, -along
        case "down":
            return 0.0, along
        case "circle":
            return 0.2 * cos(2 * pi * time), 0.2 * sin(2 * pi * time)
        case "swing":
            return reach * sin(4 * pi * time), 0.0
    return 0.0, 0.0


def render_movie(movie: Movie) -> VideoFile:
    """The movie as an MP4 file; the same movie gives the same bytes."""
    count = movie.seconds * FPS
    reach = 0.3 if movie.scene.layout == "alone" else 0.25
    shifts = (tuple(_shift(p, i / count, reach) for p in movie.paths) for i in range(count))
    return encode_video(render_frames(movie.scene, *movie.size, shifts), movie.size)


def render_copy(image: Image.Image, movie: Movie) -> VideoFile:
    """A video that holds the image for its first seconds and then cuts to a movie."""
    held = image.resize(movie.size)
    count = movie.seconds * FPS
    shifts = [tuple(_shift(p, i / count, 0.25) for p in movie.paths) for i in range(count)]
    frames = render_frames(movie.scene, *movie.size, shifts[count // 2 :])
    return encode_video(_after(held, count - count // 2, frames), movie.size)


def _after(held: Image.Image, count: int, frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
    for _ in range(count):
        yield held
    yield from frames


def encode_video(frames: Iterable[Image.Image], size: tuple[int, int]) -> VideoFile:
    """The frames as an MP4 file at `FPS`, encoded by one thread so that bytes repeat.

    Raises:
        subprocess.CalledProcessError: ffmpeg failed.
    """
    raw = [frame.tobytes() for frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        command = _ffmpeg_command(path, size)
        subprocess.run(command, input=b"".join(raw), check=True, timeout=120, capture_output=True)
        return VideoFile(path.read_bytes(), *size, len(raw) / FPS)


def _ffmpeg_command(path: Path, size: tuple[int, int]) -> list[str]:
    import ffmpeg
    import imageio_ffmpeg

    source = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{size[0]}x{size[1]}", r=FPS
    )
    target = source.output(
        str(path),
        vcodec="libx264",
        pix_fmt="yuv420p",
        preset="ultrafast",
        crf=23,
        threads=1,
        fflags="+bitexact",
        flags="+bitexact",
        movflags="+faststart",
    )
    command: list[str] = target.compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())
    return command
