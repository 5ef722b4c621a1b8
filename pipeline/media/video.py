"""A short video out of hostile bytes: an MP4 of our own making, or a reason why not.

ffmpeg opens what a file tells it to open: playlists, other files, URLs (measured: an ffconcat text
called .mp4 reads its neighbour, a URL is followed through a redirect to any address, half a file is
done without an error). So the container is told by its first bytes, the demuxer is forced, no
protocol but `file` is there, and the program runs alone in an empty folder. Frames are sampled from
our own encoding.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.media.guarded import RESULT, SOURCE, GuardLimits, run_guarded
from schemas.recipe import bounded
from schemas.rejection import BadInput, Reason, Why

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

_MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
_EBML = b"\x1a\x45\xdf\xa3"
_MICROSECONDS = 1_000_000
_WHOLE = 0.9  # of the promised seconds; less a second, for the last frames have no common length

FRAMES_FPS = 1.0
"""Frames of a video that are hashed and held against evaluation data, a second."""

MAX_FRAMES = 60
"""And of one video at most; those of a longer one are spread evenly over all of it."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What makes a video worth keeping, and how it is kept.

    Flamingo's VTP videos are "short", 22 s in the mean (arXiv 2204.14198, appendix A.3.3), and its
    frames 320 x 320 (B.1.2); 2 to 60 s is what Panda-70M keeps. Small and long pictures are out by
    the paper's rule for images (A.3.1).

    Attributes:
        min_s: a shorter video is out.
        max_s: a longer video is cut to its first seconds.
        max_source_s: a video longer than this is out: its text speaks of more than its beginning.
        max_bytes: a larger file is out.
        min_side_px: a shorter side below this is out.
        max_aspect: longer side over shorter side above this is out.
        max_pixels: larger frames are never decoded.
        encoded_side_px: longest side of the video as kept; smaller ones are not enlarged.
        encoded_fps: frames a second as kept at most.
        encoded_crf: x264's constant rate factor: 18 is large, 28 small.
        formats: containers that are read: mov (MP4, QuickTime) and matroska (WebM).
        max_cpu_s: CPU time that one video may take.
    """

    min_s: float = 2.0
    max_s: float = bounded(60.0, at_least=0.1)
    max_source_s: float = 600.0
    max_bytes: int = bounded(100 << 20, at_least=1)
    min_side_px: int = bounded(64, at_least=1)
    max_aspect: float = bounded(3.0, at_least=1)
    max_pixels: int = bounded(4096 * 2304, at_least=1)
    encoded_side_px: int = bounded(320, at_least=16)
    encoded_fps: float = bounded(24.0, at_least=1)
    encoded_crf: int = bounded(26, at_most=51)
    formats: tuple[str, ...] = ("mov", "matroska")
    max_cpu_s: int = bounded(120, at_least=1)


@dataclass(frozen=True, slots=True)
class VideoHeader:
    """What a video says of itself; sides as stored, in px."""

    format: str
    codec: str
    width: int
    height: int
    seconds: float
    fps: float


def probe_video(content: bytes, limits: VideoLimits) -> VideoHeader:
    """Container, codec, size and duration of a video.

    Raises:
        BadInput: `too_many_bytes`; `not_media` for other containers and for files without moving
            pictures; `undecodable` for a damaged header.
    """
    import av

    container_format = _sniff(content, limits)
    try:
        with _open(content, container_format) as container:
            stream = _moving_pictures(container)
            return VideoHeader(
                format=container_format,
                codec=stream.codec_context.name,
                width=stream.codec_context.width,
                height=stream.codec_context.height,
                seconds=round(_seconds_of(container, stream), 3),
                fps=float(stream.average_rate or 0),
            )
    except (av.FFmpegError, EOFError) as error:
        raise BadInput(Reason.UNDECODABLE, type(error).__name__) from None


def judge_video(header: VideoHeader, limits: VideoLimits) -> Why | None:
    """Why a video is out by what its header says: too short, long, small, large or narrow."""
    shorter, longer = sorted((header.width, header.height))
    if header.seconds < limits.min_s:
        return Why(Reason.TOO_SHORT, header.seconds, limits.min_s)
    if header.seconds > limits.max_source_s:
        return Why(Reason.TOO_LONG, header.seconds, limits.max_source_s)
    if shorter < limits.min_side_px:
        return Why(Reason.TOO_SMALL, shorter, limits.min_side_px)
    if longer * shorter > limits.max_pixels:
        return Why(Reason.TOO_LARGE, longer * shorter, limits.max_pixels)
    if longer / shorter > limits.max_aspect:
        return Why(Reason.ASPECT, round(longer / shorter, 3), limits.max_aspect)
    return None


def encode_video(content: bytes, limits: VideoLimits) -> bytes:
    """The video as MP4 (h264, yuv420p): upright, square pixels, its first `max_s` seconds.

    Pictures only: the models that read it hear nothing. Same input and ffmpeg, same bytes.

    Raises:
        BadInput: as `probe_video`; `undecodable` where a frame is damaged, or where there is less
            than the header promises: a WebM cut in half is no error to ffmpeg.
    """
    header = probe_video(content, limits)
    encoded = run_guarded(
        _encode_command(header.format, limits), content, GuardLimits(cpu_s=limits.max_cpu_s)
    )
    if not encoded:
        raise BadInput(Reason.UNDECODABLE, "ffmpeg")
    promised = min(header.seconds, limits.max_s)
    if (seconds := probe_video(encoded, limits).seconds) < promised * _WHOLE - 1:
        raise BadInput(Reason.UNDECODABLE, seconds, promised)
    return encoded


def sample_frames(content: bytes, fps: float, max_frames: int) -> list["PilImage"]:
    """The frames at 0, 1/fps, 2/fps ... seconds of a video that `encode_video` made; mode RGB.

    A video that has more such frames than are wanted gives as many, as far from each other as it
    is long: none of it is left unseen.

    Raises:
        BadInput: `undecodable`.
    """
    import av

    frames: list[PilImage] = []
    try:
        with _open(content, "mov") as container:
            seconds = _seconds_of(container, _moving_pictures(container))
            if seconds * fps > max_frames + 1:
                fps = max_frames / seconds
            for frame in _decoded(container):
                if len(frames) == max_frames:
                    break
                if frame.time is not None and frame.time >= len(frames) / fps - 1e-6:
                    frames.append(frame.to_image())
    except (av.FFmpegError, EOFError) as error:
        raise BadInput(Reason.UNDECODABLE, type(error).__name__) from None
    return frames


def _sniff(content: bytes, limits: VideoLimits) -> str:
    """The container's name in ffmpeg by its first bytes; a file's name and type may lie."""
    if len(content) > limits.max_bytes:
        raise BadInput(Reason.TOO_MANY_BYTES, len(content), limits.max_bytes)
    name = "mov" if content[4:8] in _MOV_BOXES else "matroska" if content[:4] == _EBML else ""
    if name not in limits.formats:
        raise BadInput(Reason.NOT_MEDIA, content[:12].hex(), " ".join(limits.formats))
    return name


def _open(content: bytes, container_format: str) -> Any:  # noqa: ANN401 - PyAV has no types here
    """A PyAV container that can open nothing but these bytes."""
    import av

    options = {"format_whitelist": "mov,matroska", "protocol_whitelist": "file"}
    return av.open(
        io.BytesIO(content), format=container_format, options=options, metadata_errors="ignore"
    )


def _moving_pictures(container: Any) -> Any:  # noqa: ANN401
    """The first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    raise BadInput(Reason.NOT_MEDIA, 0, 1, "no video stream")


def _seconds_of(container: Any, stream: Any) -> float:  # noqa: ANN401
    """Duration by the stream or the file; counted from the packets where neither tells."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return float(container.duration) / _MICROSECONDS
    ends = ((packet.pts or 0) + (packet.duration or 0) for packet in container.demux(stream))
    return float(max(ends, default=0) * stream.time_base)


def _decoded(container: Any) -> Iterator[Any]:  # noqa: ANN401
    stream = _moving_pictures(container)
    stream.codec_context.thread_count = 1
    yield from container.decode(stream)


def _encode_command(container_format: str, limits: VideoLimits) -> list[str]:
    """The ffmpeg command; ffmpeg-python writes it, we run it, for its own `run` knows no limits."""
    import ffmpeg
    from imageio_ffmpeg import get_ffmpeg_exe

    side = limits.encoded_side_px
    fit = f"w='min(iw,{side})':h='min(ih,{side})'"
    whole = "force_original_aspect_ratio=decrease:force_divisible_by=2"
    source = ffmpeg.input(
        f"file:{SOURCE}",
        f=container_format,
        format_whitelist="mov,matroska",
        protocol_whitelist="file",
        threads=1,
        t=limits.max_s,
    )
    result = ffmpeg.output(
        source["V:0"],
        f"file:{RESULT}",
        f="mp4",
        t=limits.max_s,
        vf=f"scale=w='iw*sar':h=ih,setsar=1,scale={fit}:{whole}",
        vcodec="libx264",
        preset="veryfast",
        crf=limits.encoded_crf,
        pix_fmt="yuv420p",
        g=48,
        fps_mode="cfr",
        fpsmax=limits.encoded_fps,
        threads=1,
        sws_flags="bicubic+accurate_rnd+bitexact",
        fflags="+bitexact",
        map_metadata=-1,
        map_chapters=-1,
        movflags="+faststart",
        **{"flags:v": "+bitexact"},
    ).global_args("-nostdin", "-xerror", "-filter_threads", "1", "-loglevel", "quiet")
    command: list[str] = ffmpeg.compile(result, cmd=get_ffmpeg_exe(), overwrite_output=True)
    return command
