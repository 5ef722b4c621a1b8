import io
import random
import socket
import struct
import subprocess

import av
import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from pipeline.media.video import (
    VideoHeader,
    VideoLimits,
    encode_video,
    judge_video,
    probe_video,
    sample_frames,
)
from schemas.rejection import BadInput, Reason, Why

LIMITS = VideoLimits(max_cpu_s=30)


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A maker of clips by ffmpeg: options of the output, and where it differs the input."""
    folder = tmp_path_factory.mktemp("clips")
    made = {}

    def make(*options, suffix="mp4", source="testsrc=s=200x120:r=10:d=3", before=()):
        key = (options, suffix, source, before)
        if key not in made:
            path = folder / f"{len(made)}.{suffix}"
            command = [get_ffmpeg_exe(), "-v", "error", *before, "-f", "lavfi", "-i", source]
            subprocess.run([*command, *options, str(path)], check=True)
            made[key] = path.read_bytes()
        return made[key]

    return make


def refusal(content, limits=LIMITS, how=encode_video):
    with pytest.raises(BadInput) as caught:
        how(content, limits)
    return caught.value.why


@pytest.mark.parametrize(
    ("suffix", "codec", "name"),
    [("mp4", "libx264", "h264"), ("webm", "libvpx", "vp8"), ("mkv", "mpeg4", "mpeg4")],
)
def test_a_header_tells_codec_size_and_duration(clip, suffix, codec, name):
    header = probe_video(clip("-c:v", codec, suffix=suffix), LIMITS)
    assert header.format == ("mov" if suffix == "mp4" else "matroska")
    assert (header.codec, header.width, header.height, header.fps) == (name, 200, 120, 10.0)
    assert header.seconds == pytest.approx(3, abs=0.15)


def test_a_duration_that_is_not_told_is_counted(clip):
    live = clip("-c:v", "libvpx", "-live", "1", suffix="webm")
    with av.open(io.BytesIO(live)) as container:
        assert container.duration is None
    assert probe_video(live, LIMITS).seconds == pytest.approx(3, abs=0.2)


def test_an_encoded_video_is_small_silent_and_upright(clip):
    loud = clip(
        "-f", "lavfi", "-i", "sine=d=3", "-metadata", "title=secret", source="testsrc=s=800x600:d=3"
    )
    encoded = encode_video(loud, LIMITS)
    header = probe_video(encoded, LIMITS)
    assert (header.format, header.codec, header.width, header.height) == ("mov", "h264", 320, 240)
    assert header.fps == 24.0
    assert header.seconds == pytest.approx(3, abs=0.1)
    with av.open(io.BytesIO(encoded)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert b"secret" not in encoded


def test_equal_videos_are_encoded_equally(clip):
    content = clip("-c:v", "libx264")
    assert encode_video(content, LIMITS) == encode_video(content, LIMITS)


def test_a_small_video_is_not_enlarged_and_odd_sides_become_even(clip):
    content = clip("-c:v", "libvpx", suffix="webm", source="testsrc=s=101x77:r=10:d=3")
    header = probe_video(encode_video(content, LIMITS), LIMITS)
    assert (header.width % 2, header.height % 2) == (0, 0)
    assert max(abs(header.width - 101), abs(header.height - 77)) <= 2


def test_a_slow_video_keeps_its_rate(clip):
    content = clip("-c:v", "libx264", source="testsrc=s=200x120:r=5:d=3")
    assert probe_video(encode_video(content, LIMITS), LIMITS).fps == 5.0


def test_a_long_video_is_cut(clip):
    header = probe_video(encode_video(clip("-c:v", "libx264"), VideoLimits(max_s=1.0)), LIMITS)
    assert header.seconds == pytest.approx(1, abs=0.11)


def test_a_video_on_its_side_is_set_upright(clip, tmp_path):
    flat = tmp_path / "flat.mp4"
    flat.write_bytes(clip("-c:v", "libx264"))
    turned = tmp_path / "turned.mp4"
    command = [get_ffmpeg_exe(), "-v", "error", "-display_rotation", "90", "-i", str(flat)]
    subprocess.run([*command, "-c", "copy", str(turned)], check=True)
    header = probe_video(encode_video(turned.read_bytes(), LIMITS), LIMITS)
    assert (header.width, header.height) == (120, 200)


def test_pixels_that_are_not_square_become_square(clip):
    content = clip("-c:v", "libx264", "-vf", "setsar=2")
    header = probe_video(encode_video(content, LIMITS), LIMITS)
    assert header.width / header.height == pytest.approx(400 / 120, rel=0.02)


def test_frames_are_sampled_by_time(clip):
    source = "color=red:s=96x96:r=10:d=1.05[a];color=lime:s=96x96:r=10:d=1[b];"
    source += "color=blue:s=96x96:r=10:d=1[c];[a][b][c]concat=n=3"
    encoded = encode_video(clip("-c:v", "libx264", source=source), LIMITS)
    frames = sample_frames(encoded, 1.0, 8)
    assert [frame.size for frame in frames] == [(96, 96)] * len(frames)
    channels = [int(np.asarray(frame).mean(axis=(0, 1)).argmax()) for frame in frames]
    assert channels[0] == 0
    assert set(channels) == {0, 1, 2}
    assert sorted(channels) == channels
    assert len(sample_frames(encoded, 3.0, 100)) in (9, 10)
    assert len(sample_frames(encoded, 3.0, 2)) == 2
    spread = sample_frames(encoded, 3.0, 3)
    assert [int(np.asarray(one).mean(axis=(0, 1)).argmax()) for one in spread] == [0, 1, 2]


NO_VIDEOS = {
    "empty": b"",
    "html": b"<!doctype html>",
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile neighbour.mp4\n",
    "dash": b"<?xml version='1.0'?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>",
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
    "avi": b"RIFF\0\0\0\0AVI LIST",
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(60),
}


@pytest.mark.parametrize("kind", NO_VIDEOS)
def test_what_is_no_video_never_reaches_ffmpeg(kind, monkeypatch):
    monkeypatch.setattr("pipeline.media.video.run_guarded", None)
    why = refusal(NO_VIDEOS[kind])
    assert (why.reason, why.limit) == (Reason.NOT_MEDIA, "mov matroska")
    assert refusal(NO_VIDEOS[kind], how=probe_video).reason is Reason.NOT_MEDIA


@pytest.mark.parametrize("start", [b"\0\0\0\x18ftypmp42", b"\0\0\0\x08moov", b"\x1a\x45\xdf\xa3"])
@pytest.mark.parametrize("kind", ["hls", "concat", "dash"])
def test_a_playlist_behind_a_video_s_first_bytes_is_no_video(start, kind):
    assert refusal(start + NO_VIDEOS[kind] * 50).reason in (Reason.UNDECODABLE, Reason.NOT_MEDIA)


def test_sound_alone_is_no_video(clip):
    content = clip("-c:a", "aac", source="sine=d=3")
    assert refusal(content) == Why(Reason.NOT_MEDIA, 0, 1, "no video stream")


def test_a_cover_picture_is_no_video(clip, tmp_path):
    sound, cover = tmp_path / "a.m4a", tmp_path / "cover.png"
    sound.write_bytes(clip("-c:a", "aac", source="sine=d=3", suffix="m4a"))
    cover.write_bytes(clip("-frames:v", "1", suffix="png"))
    both = tmp_path / "both.mp4"
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(sound), "-i", str(cover), "-map", "0"]
    command += ["-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic", str(both)]
    subprocess.run(command, check=True)
    assert refusal(both.read_bytes()) == Why(Reason.NOT_MEDIA, 0, 1, "no video stream")


@pytest.mark.parametrize(
    ("options", "suffix"),
    [
        (("-c:v", "libx264", "-movflags", "+faststart"), "mp4"),
        (("-c:v", "libx264"), "mp4"),
        (("-c:v", "libvpx"), "webm"),
        (("-c:v", "mpeg4"), "mkv"),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.55])
def test_half_a_video_is_no_video(clip, options, suffix, share):
    whole = clip(*options, suffix=suffix, source="testsrc=s=200x120:r=10:d=6")
    why = refusal(whole[: int(len(whole) * share)])
    assert why.reason is Reason.UNDECODABLE


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_flipped_bits_give_a_video_or_a_reason(clip, suffix):
    whole = clip("-c:v", "libx264" if suffix == "mp4" else "libvpx", suffix=suffix)
    draw = random.Random(7)
    reasons = set()
    for flips in (1, 4, 40, 40, 400):
        content = bytearray(whole)
        for _ in range(flips):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        try:
            encoded = encode_video(bytes(content), LIMITS)
        except BadInput as refused:
            reasons.add(refused.why.reason)
        else:
            assert sample_frames(encoded, 1.0, 8)
    assert reasons <= {Reason.UNDECODABLE, Reason.NOT_MEDIA}


def grown_box(content, path, extra, patch):
    """An MP4 with bytes put at the end of a nested box, the sizes of all its parents mended."""
    data, at, end = bytearray(content), 0, len(content)
    starts = []
    for name in path:
        while bytes(data[at + 4 : at + 8]) != name:
            at += struct.unpack(">I", data[at : at + 4])[0]
            assert at < end, name
        starts.append(at)
        end = at + struct.unpack(">I", data[at : at + 4])[0]
        at += 16 if name == b"dref" else 8
    for start in starts:
        size = struct.unpack(">I", data[start : start + 4])[0] + len(extra)
        data[start : start + 4] = struct.pack(">I", size)
    data[end:end] = extra
    patch(data, starts[-1])
    return bytes(data)


def test_a_movie_that_points_elsewhere_opens_nothing(clip, tmp_path):
    """A data reference to another file or host: no byte of a canary comes in, no one is called."""
    canary = tmp_path / "canary.mp4"
    canary.write_bytes(clip("-c:v", "libx264"))
    path = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref", b"url ")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    places = (f"file://{canary}", f"http://127.0.0.1:{listener.getsockname()[1]}/x.mp4")
    for place in places:

        def outside(data, start):
            data[start + 8 : start + 12] = bytes(4)  # no longer "in this same file"

        content = grown_box(canary.read_bytes(), path, place.encode() + b"\0", outside)
        emptied = content.replace(canary.read_bytes()[100:2000], bytes(1900))
        try:
            encode_video(emptied, LIMITS)
        except BadInput as refused:
            assert refused.why.reason in (Reason.UNDECODABLE, Reason.NOT_MEDIA)  # noqa: PT017
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


def test_a_header_of_ten_hours_is_too_long(clip):
    content = bytearray(clip("-c:v", "libvpx", suffix="webm"))
    start = content.index(b"\x44\x89\x88") + 3  # Matroska's Duration, a double in ms
    content[start : start + 8] = struct.pack(">d", 36_000_000.0)
    header = probe_video(bytes(content), LIMITS)
    assert judge_video(header, LIMITS) == Why(Reason.TOO_LONG, header.seconds, 600.0)
    assert refusal(bytes(content)).reason is Reason.UNDECODABLE


def test_a_file_above_the_cap_is_not_opened(clip):
    content = clip("-c:v", "libx264")
    limits = VideoLimits(max_bytes=1000)
    assert refusal(content, limits, probe_video) == Why(Reason.TOO_MANY_BYTES, len(content), 1000)


def test_containers_may_be_ruled_out(clip):
    limits = VideoLimits(formats=("mov",))
    webm = clip("-c:v", "libvpx", suffix="webm")
    assert refusal(webm, limits, probe_video).reason is Reason.NOT_MEDIA


@pytest.mark.parametrize(
    ("width", "height", "seconds", "expected"),
    [
        (640, 360, 10.0, None),
        (640, 360, 1.9, Why(Reason.TOO_SHORT, 1.9, 2.0)),
        (640, 360, 601.0, Why(Reason.TOO_LONG, 601.0, 600.0)),
        (640, 63, 10.0, Why(Reason.TOO_SMALL, 63, 64)),
        (0, 0, 10.0, Why(Reason.TOO_SMALL, 0, 64)),
        (8000, 4000, 10.0, Why(Reason.TOO_LARGE, 32_000_000, 4096 * 2304)),
        (640, 200, 10.0, Why(Reason.ASPECT, 3.2, 3.0)),
    ],
)
def test_rules_of_length_and_size(width, height, seconds, expected):
    header = VideoHeader("mov", "h264", width, height, seconds, 25.0)
    assert judge_video(header, LIMITS) == expected


def test_frames_of_no_video_are_a_reason():
    with pytest.raises(BadInput, match="undecodable"):
        sample_frames(b"nothing", 1.0, 8)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["bigbuckbunny.mp4", "crystal.webm", "flipping_a_pancake.mkv", "frog.webm"]
)
def test_real_clips(shared_data, name):
    content = (shared_data / "video" / name).read_bytes()
    header = probe_video(content, LIMITS)
    assert judge_video(header, LIMITS) is None
    encoded = encode_video(content, LIMITS)
    result = probe_video(encoded, LIMITS)
    assert max(result.width, result.height) == 320
    assert result.seconds == pytest.approx(header.seconds, abs=0.15)
    assert len(sample_frames(encoded, 1.0, 8)) == min(8, int(result.seconds) + 1)
