import pytest

from pipeline.stages.beam_files import FILES, has_client, is_local, no_client


def test_local_and_remote_are_told_apart():
    assert is_local("/a/b")
    assert not is_local("gs://a/b")


def test_whole_files_or_none(tmp_path):
    path = f"{tmp_path}/deep/er/a.bin"
    assert not FILES.exists(path)
    FILES.write(path, b"one")
    FILES.write(path, b"two")
    assert FILES.read(path) == b"two"
    assert FILES.list(str(tmp_path)) == [path]
    FILES.remove(path)
    FILES.remove(path)
    assert FILES.list(str(tmp_path)) == []
    with pytest.raises(FileNotFoundError):
        FILES.read(path)


def test_a_copy_takes_the_place_of_what_stood_there(tmp_path):
    FILES.write(f"{tmp_path}/a", b"new")
    FILES.write(f"{tmp_path}/b", b"old")
    FILES.copy(f"{tmp_path}/a", f"{tmp_path}/b")
    FILES.copy(f"{tmp_path}/a", f"{tmp_path}/deep/c")
    assert FILES.read(f"{tmp_path}/b") == FILES.read(f"{tmp_path}/deep/c") == b"new"
    FILES.copy(f"{tmp_path}/a", f"{tmp_path}/b")  # the same file by now
    assert len(FILES.list(str(tmp_path))) == 3


def test_a_scheme_that_nothing_opens_is_told():
    assert has_client("/a/b")
    assert not has_client("odd://a/b")
    assert no_client("odd://a/b") == "nothing here opens odd://"
    assert no_client("s3://a/b") == "s3:// needs a client (pip install 'apache-beam[aws]')"
