import json

from pipeline.corpora.published import SEALS, Seal, fault_of, read_seals, write_seals
from schemas.keys import sha256_hex


def test_what_is_sealed_is_read_back(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"one")
    (tmp_path / "card.md").write_bytes(b"two")
    write_seals(str(tmp_path), {"a.tar": "stage/a.tar", "card.md": ""}, {"a.tar": "known"})
    assert read_seals(str(tmp_path)) == {
        "a.tar": Seal("stage/a.tar", "known"),
        "card.md": Seal("", sha256_hex(b"two")),
    }


def test_seals_that_cannot_be_read_are_none(tmp_path):
    assert read_seals(str(tmp_path)) == {}
    path = tmp_path / SEALS
    path.parent.mkdir()
    for content in ("{", "[1]", json.dumps({"a": ["too", "many", "parts"]})):
        path.write_text(content)
        assert read_seals(str(tmp_path)) == {}


def test_a_file_that_is_gone_or_changed_is_told(tmp_path):
    path = tmp_path / "a.tar"
    seal = Seal("", sha256_hex(b"one"))
    assert fault_of(str(path), seal) == "is gone"
    path.write_bytes(b"one")
    assert fault_of(str(path), seal) is None
    path.write_bytes(b"onf")
    assert fault_of(str(path), seal) == "is not as it was written"
