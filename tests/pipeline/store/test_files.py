import pytest

from pipeline.store.files import LOCAL


def test_a_file_is_published_over_what_stood_there(tmp_path):
    temp, final = str(tmp_path / "new" / "a.part"), str(tmp_path / "new" / "a")
    for content in (b"first", b"second"):
        with LOCAL.create(temp) as stream:
            stream.write(content)
        LOCAL.publish(temp, final)
    with LOCAL.open(final) as stream:
        assert stream.read() == b"second"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_removing_twice_is_no_error(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    LOCAL.remove(str(tmp_path / "a"))
    LOCAL.remove(str(tmp_path / "a"))
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        LOCAL.open(str(tmp_path / "a"))
