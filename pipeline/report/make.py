"""The report of a finished build from what lies in its output."""

from pipeline.report.corpora import read_corpora
from pipeline.report.page import Tables, render_report
from pipeline.report.removed import FindMedia, FindOriginals
from pipeline.report.samples import read_samples
from pipeline.report.sources import ReportFiles
from pipeline.report.thumbnails import Thumbnails
from pipeline.report.unseen import media_keys, unsafe_keys, without_unsafe
from pipeline.report.verdicts import Verdicts, read_verdicts
from schemas.manifest import Manifest, decode_manifest, encode_manifest

REPORT = "report/index.html"
"""The report's path below the output."""

THUMBNAIL_BYTES = 2_400_000
"""What thumbnails take at most, so that the page stays near 3 MB."""


def make_report(
    output: str,
    manifest: Manifest,
    files: ReportFiles,
    *,
    samples_per_corpus: int = 12,
    find_media: FindMedia | None = None,
    find_originals: FindOriginals | None = None,
) -> bytes:
    """The report as one HTML file, the same bytes for the same output.

    Args:
        output: the build's output: a folder, or a bucket's prefix.
        manifest: of the build.
        files: where the output lies.
        samples_per_corpus: sequences to show; of pairs it is twice as many a corpus.
        find_media: gives the bytes of media by key, for pictures of what was taken out as an
            evaluation copy; without it the page names only their URLs.
        find_originals: gives pictures of the evaluation data that they are copies of.

    Raises:
        OSError: a shard, its index or a table of decisions is not there.
    """
    manifest = decode_manifest(encode_manifest(manifest))  # so that its keys are in one order
    thumbnails = Thumbnails(THUMBNAIL_BYTES)
    verdicts = read_verdicts(output, files)
    wanted = {
        corpus: samples_per_corpus * (1 if corpus == "m3w" else 2)
        for corpus in dict.fromkeys(shard.corpus for shard in manifest.shards)
    }
    corpora = read_corpora(output, manifest.shards, wanted, files)
    removed = _removed(verdicts, find_media, thumbnails) if find_media else {}
    wanted_originals = {
        (removal.eval_set, removal.eval_id) for removal in (*verdicts.removals, *verdicts.flags)
    }
    pictures = find_originals(wanted_originals) if find_originals else ()
    originals = {name: thumbnails.of_image(content) for name, content in sorted(pictures)}
    samples = read_samples(output, corpora, thumbnails, files)
    unsafe = unsafe_keys(output, {*removed, *media_keys(samples)}, files)
    removed = {key: picture for key, picture in removed.items() if key not in unsafe}
    samples = [without_unsafe(shown, unsafe) for shown in samples]
    tables = Tables(verdicts, corpora, removed, originals)
    return render_report(manifest, tables, samples).encode()


def _removed(verdicts: Verdicts, find_media: FindMedia, thumbnails: Thumbnails) -> dict[str, str]:
    """Thumbnails of the evaluation copies that were taken out or flagged, by key."""
    kinds = {removal.key: removal.kind for removal in (*verdicts.removals, *verdicts.flags)}
    found = dict(sorted(find_media(kinds.keys()))) if kinds else {}
    return {
        key: thumbnails.of_video(content) if kinds[key] == "video" else thumbnails.of_image(content)
        for key, content in found.items()
    }
