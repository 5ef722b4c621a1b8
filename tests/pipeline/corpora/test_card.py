from pipeline.corpora.card import corpus_card
from schemas.manifest import Manifest, ShardEntry

SHARDS = [
    ShardEntry("m3w", "m3w/m3w-000000.tar", 2, 10, "a"),
    ShardEntry("vtp", "vtp/vtp-000000.tar", 1, 5, "b"),
]
MANIFEST = Manifest("open-m3w 1", "tiny", "d", {}, [], [], [], [], SHARDS)


def test_every_image_of_the_longest_sequence_is_a_feature():
    lines = corpus_card(MANIFEST, 3).splitlines()
    assert lines[0] == "---"
    names = [line.split()[-1] for line in lines if "- name:" in line]
    assert names == [
        "json",
        "0.jpg",
        "1.jpg",
        "2.jpg",
        "__key__",
        "__url__",
        "json",
        "mp4",
        "txt",
        "__key__",
        "__url__",
    ]
    assert "| m3w | 2 | 1 | 10 |" in lines
    assert "  data_files: vtp/*.tar" in lines


def test_an_empty_corpus_says_so():
    assert "# An empty corpus" in corpus_card(Manifest("o", "t", "d", {}, [], [], [], [], []), 0)
