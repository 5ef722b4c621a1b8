from pipeline.report.corpora import read_corpora
from pipeline.report.samples import IMAGES_PER_SEQUENCE, read_samples
from pipeline.report.thumbnails import Thumbnails
from schemas.records import ImagePart, Sequence
from schemas.shard import encode_pair, encode_sequence


def read(output, shards, files, budget=1_000_000):
    corpora = read_corpora(output, shards, {"m3w": 3, "align": 3, "vtp": 3}, files)
    return read_samples(output, corpora, Thumbnails(budget), files)


def test_records_come_back_as_they_were_written(output, files, make):
    wanted = {make.sequence(n).key: make.sequence(n).title for n in range(40)}
    sequences = [s for s in read(output.path, output.manifest.shards, files) if s.corpus == "m3w"]
    assert len(sequences) == 3
    for shown in sequences:
        assert isinstance(shown.record, Sequence)
        assert shown.record.title == wanted[shown.key]
        images = [part for part in shown.record.parts if isinstance(part, ImagePart)]
        assert len(shown.thumbnails) == len(images) == 2
        assert all(uri.startswith("data:image/jpeg;base64,") for uri in shown.thumbnails)


def test_only_the_first_images_of_a_sequence_are_drawn(tmp_path, files, make):
    sequence = make.sequence(1, images=12)
    members = encode_sequence(sequence, lambda ref: make.jpeg(int(ref.pack)))
    shard = make.shard(str(tmp_path), "m3w", 0, [(sequence, members)])
    (shown,) = read(str(tmp_path), [shard], files)
    assert [bool(uri) for uri in shown.thumbnails] == [n < IMAGES_PER_SEQUENCE for n in range(12)]


def test_a_video_has_its_first_frame(tmp_path, files, make, mp4):
    pair = make.pair(1, "vtp", video=mp4)
    shard = make.shard(str(tmp_path), "vtp", 0, [(pair, encode_pair(pair, lambda ref: mp4))])
    (shown,) = read(str(tmp_path), [shard], files)
    assert shown.thumbnails[0].startswith("data:image/jpeg;base64,")


def test_a_video_that_cannot_be_decoded_has_no_frame(tmp_path, files, make, mp4):
    torn = mp4[: len(mp4) // 3]
    pair = make.pair(1, "vtp", video=torn)
    shard = make.shard(str(tmp_path), "vtp", 0, [(pair, encode_pair(pair, lambda ref: torn))])
    (shown,) = read(str(tmp_path), [shard], files)
    assert shown.record is not None
    assert shown.thumbnails == ("",)


def test_pictures_end_with_the_budget(output, files):
    shown = read(output.path, output.manifest.shards, files, budget=4_000)
    drawn = [uri for one in shown for uri in one.thumbnails if uri]
    assert 0 < len(drawn) < 6


def test_the_lowest_scores_are_shown_last(output, files):
    pairs = [
        one for one in read(output.path, output.manifest.shards, files) if one.corpus == "align"
    ]
    assert [one.is_lowest for one in pairs] == [False] * 3 + [True] * 6
    scores = [one.record.score for one in pairs[3:]]
    assert scores == sorted(scores)
