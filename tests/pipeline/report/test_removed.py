import pyarrow.parquet as pq

from pipeline.report.removed import find_packed
from pipeline.store.files import LOCAL
from pipeline.store.packs import PackWriter
from schemas.records import Found, Image
from schemas.tables import to_rows


def write_found(root, contents) -> str:
    """A pack and a table of the images in it, as the decode stage leaves them."""
    with PackWriter(str(root), "decode/pack") as packs:
        refs = [packs.add(content, "jpg") for content in contents]
    found = [
        Found((f"https://example.org/{n}",), Image(f"{n:064x}", ref, 4, 4, 4, 4, "0" * 16))
        for n, ref in enumerate(refs)
    ]
    table = str(root / "found.parquet")
    pq.write_table(to_rows(Found, found), table)
    return table


def test_media_are_found_by_key(tmp_path, files):
    table = write_found(tmp_path, [b"zero", b"one", b"two"])
    keys = {f"{1:064x}", f"{2:064x}", f"{9:064x}"}
    found = dict(find_packed(str(tmp_path), [table], keys, files, LOCAL))
    assert found == {f"{1:064x}": b"one", f"{2:064x}": b"two"}


def test_media_whose_pack_is_gone_or_changed_are_left_out(tmp_path, files):
    table = write_found(tmp_path, [b"zero"])
    (pack,) = (tmp_path / "decode").iterdir()
    content = pack.read_bytes()
    pack.write_bytes(content.replace(b"zero", b"nero"))
    assert not dict(find_packed(str(tmp_path), [table], {"0" * 64}, files, LOCAL))
    pack.unlink()
    assert not dict(find_packed(str(tmp_path), [table], {"0" * 64}, files, LOCAL))
