"""The bytes of media that were taken out, found again in the build's packs."""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass

from pipeline.report.sources import ReportFiles, table_batches
from pipeline.store.files import Files
from pipeline.store.packs import PackReader
from schemas.records import Image, Video
from schemas.rejection import BadInput
from schemas.tables import arrow_schema, row_reader

FindMedia = Callable[[Set[str]], Iterator[tuple[str, bytes]]]
"""Gives the key and the bytes of media by their keys, in any order; those it has not it leaves."""


FindOriginals = Callable[[Set[tuple[str, str]]], Iterator[tuple[tuple[str, str], bytes]]]
"""Gives pictures of evaluation data, as PNG, by set and id; those it has not it leaves."""


@dataclass(frozen=True, slots=True)
class _Packed:
    """What is read of a row of Found."""

    media: Image | Video


def find_packed(
    root: str, tables: Iterable[str], keys: Set[str], files: ReportFiles, packs: Files
) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of the media in some tables of Found whose keys are asked for.

    Args:
        root: the build's work folder, which the packs' paths are relative to.
        tables: paths of Parquet tables of Found.
        keys: of the media.
        files: where the tables lie.
        packs: where the packs lie.
    """
    read = row_reader(_Packed)
    columns = arrow_schema(_Packed).names
    with PackReader(root, files=packs) as reader:
        for table in tables:
            for batch in table_batches(table, columns, files):
                for row in batch.to_pylist():
                    if row["media"]["key"] in keys:
                        media = read(row).media
                        try:
                            yield media.key, reader.read(media.ref)
                        except (BadInput, OSError):
                            continue
