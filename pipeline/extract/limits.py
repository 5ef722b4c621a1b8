"""How much of a record or a page is read, and what a page must hold."""

from dataclasses import dataclass

from schemas.recipe import bounded


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds on what is read of one record; all are ours, against bombs and endless bodies.

    Attributes:
        warc_base: where the relative paths in lists of WARC files begin, where the files do not lie
            beside the list: a folder, gs://, s3:// or https://data.commoncrawl.org/.
        page_bytes: largest HTML body, before and after its content encoding is removed.
        media_bytes: largest image or video, likewise.
        header_bytes: largest WARC or HTTP header block.
    """

    warc_base: str = ""
    page_bytes: int = 8 * 1024 * 1024
    media_bytes: int = 256 * 1024 * 1024
    header_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class ExtractLimits:
    """Guards of the fast parser and what is asked of its tree.

    The four guards were set from 461 real pages: none of them has more than 4 MB, 512 open
    elements, 200 attributes on a tag or a tag of 1 MB. Pages beyond them take the slow parser.

    Attributes:
        fast_characters: longest page that the fast parser gets.
        fast_depth: deepest nesting that the fast parser gets (it is quadratic in depth).
        fast_attributes: most attributes on one tag that the fast parser gets (quadratic too).
        fast_options: most options of menus that the fast parser gets (quadratic in them).
        fast_tag_characters: longest single tag that the fast parser gets.
        image_side_px: of a srcset, the best candidate at or under this side is taken.
        enough_side_px: a src declared at least this wide is kept beside versions of it that
            only differ in density.
        small_side_px: an image told to be narrower than this, or to be a thumbnail, gives way to
            the image file that it links to, and to larger sources of its picture; 0 for neither.
        max_elements: most elements of a page; the richest of 759 real pages has under 30,000.
        page_cpu_s: CPU seconds that a page may take, in a process that can be killed; the clock may
            show twelve times that.
        page_memory_bytes: memory that a page may take.
    """

    fast_characters: int = 8 * 1024 * 1024
    fast_depth: int = 512
    fast_attributes: int = 256
    fast_options: int = 4000
    fast_tag_characters: int = 1024 * 1024
    image_side_px: int = 1600
    enough_side_px: int = 100
    small_side_px: int = 150
    max_elements: int = 100_000
    page_cpu_s: int = bounded(5, at_least=1)
    page_memory_bytes: int = 512 * 1024 * 1024
