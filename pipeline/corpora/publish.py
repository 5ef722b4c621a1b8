"""Publish: what the last stages wrote, under its final names, with the manifest written last."""

from collections.abc import Iterable
from functools import partial
from importlib import metadata

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpora.card import CARD, corpus_card
from pipeline.corpora.pools import pools_of, thresholds_of
from pipeline.corpora.published import fault_of, read_seals, write_seals
from pipeline.corpora.request import Request
from pipeline.corpora.what_if import all_there, changes, what_if_lines
from pipeline.report.make import REPORT, make_report
from pipeline.report.removed import find_packed
from pipeline.stages.beam_files import FILES
from pipeline.stages.copies import original_pictures
from pipeline.stages.inputs import Input
from pipeline.stages.run import Work
from schemas.manifest import Manifest, ShardEntry, decode_manifest, encode_manifest
from schemas.recipe import digest_of, recipe_tree

MANIFEST = "manifest.json"

_TABLES = ("decisions", "fetches")
"""Tables that are published, each in a folder of its own."""


def make_manifest(name: str, overrides: list[str], request: Request, work: Work) -> Manifest:
    """The manifest of a build whose stages are all done."""
    recipe = request.recipe
    scorers = recipe.scorers
    digests = request.digests[len(request.digests) - len(scorers) :]
    models = [
        {"name": choice.model, "pretrained": choice.pretrained, "sha256": digest}
        for choice, digest in zip(scorers, digests, strict=True)
    ]
    return Manifest(
        software=f"open-m3w {metadata.version('open-m3w')}",
        recipe_name=name,
        recipe_digest=digest_of(recipe),
        recipe=recipe_tree(recipe),
        overrides=overrides,
        inputs=[_described(item) for item in request.inputs],
        models=models,
        stages=[count for result in work.results.values() for count in result.counts],
        shards=[shard for _, shard in _named_shards(work)],
        thresholds=thresholds_of(recipe.corpora, recipe.similarity, work),
        pools=pools_of(recipe.corpora, work),
    )


def is_current(output: str, manifest: Manifest) -> bool:
    """Whether the output's own manifest says the same."""
    path = f"{output}/{MANIFEST}"
    try:
        return FILES.exists(path) and decode_manifest(FILES.read(path)) == manifest
    except ValueError:
        return False


def changes_made(output: str, work: Work, manifest: Manifest) -> list[str]:
    """What a build changes in an output that was published before; to be asked before it is again.

    Nothing where there was none, or where not all of it is there.
    """
    path = f"{output}/{MANIFEST}"
    try:
        before = decode_manifest(FILES.read(path)) if FILES.exists(path) else None
    except ValueError:
        return []
    if before is None or before == manifest:
        return []
    had: dict[str, list[str]] = {}
    for shard in before.shards:
        had.setdefault(shard.corpus, []).append(f"{output}/{shard.path}")
    has: dict[str, list[str]] = {}
    for source, shard in _named_shards(work):
        has.setdefault(shard.corpus, []).append(f"{work.root}/{source}")
    return list(what_if_lines(changes(had, has), before, manifest)) if all_there(had) else []


def find_faults(output: str, work: Work) -> dict[str, str] | None:
    """What is wrong with published files of the build that the work folder holds, by path.

    None where nothing was published yet, or what was published comes from other stages.
    """
    seals, sources = read_seals(output), _published_sources(work)
    if {path: seal.source for path, seal in seals.items()} != sources:
        return None
    found = {path: fault_of(f"{output}/{path}", seal) for path, seal in seals.items()}
    return {path: fault for path, fault in found.items() if fault}


def lost_stages(output: str, work: Work, faults: Iterable[str]) -> list[str]:
    """The stages whose own files are damaged too: a hard link shares what happens to its bytes."""
    seals = read_seals(output)
    lost = {
        seals[path].source.partition("/")[0]
        for path in faults
        if seals[path].source and fault_of(f"{work.root}/{seals[path].source}", seals[path])
    }
    return [name for name, result in work.results.items() if result.folder in lost]


def publish(output: str, work: Work, manifest: Manifest, indexes: tuple[str, ...] = ()) -> None:
    """Gives shards, sidecars and decisions their final names; the manifest comes last.

    Of the evaluation indexes the report takes the pictures of what copies were found of. An older
    manifest goes first, so that at no moment a manifest speaks of files that are not its.
    """
    FILES.remove(f"{output}/{MANIFEST}")
    sources = _published_sources(work)
    wanted = {f"{output}/{path}" for path in sources}
    for folder in ("m3w", "align", "ltip", "vtp", *_TABLES):
        for path in FILES.list(f"{output}/{folder}"):
            if path not in wanted:
                FILES.remove(path)
    for path, source in sorted(sources.items()):
        if source:
            FILES.copy(f"{work.root}/{source}", f"{output}/{path}")
    report = make_report(
        output,
        manifest,
        FILES,
        find_media=lambda keys: find_packed(
            work.root, work.paths("decode", "found"), keys, FILES, FILES
        ),
        find_originals=partial(original_pictures, indexes),
    )
    FILES.write(f"{output}/{REPORT}", report)
    FILES.write(f"{output}/{CARD}", corpus_card(manifest, _most_images(output, manifest)).encode())
    write_seals(output, sources, {shard.path: shard.sha256 for shard in manifest.shards})
    FILES.write(f"{output}/{MANIFEST}", encode_manifest(manifest))


def _published_sources(work: Work) -> dict[str, str]:
    """Where a published file lies below the work folder, or "", by path below the output."""
    sources = {REPORT: "", CARD: ""}
    for source, shard in _named_shards(work):
        sources[shard.path] = source
        index = shard.path.removesuffix(".tar") + ".parquet"
        sources[index] = source.removesuffix(".tar") + ".parquet"
    for result in work.results.values():
        for table in _TABLES:
            for number, path in enumerate(result.tables.get(table, [])):
                sources[f"{table}/{result.name}-{number:05d}.parquet"] = path
    return sources


def _most_images(output: str, manifest: Manifest) -> int:
    """The most images that one sequence of M3W holds, by the shards' indexes."""
    most = 0
    for shard in manifest.shards:
        if shard.corpus == "m3w":
            with FILES.open(f"{output}/{shard.path.removesuffix('.tar')}.parquet") as stream:
                column = pq.read_table(stream, columns=["images"]).column("images")
                most = max(most, pc.max(column).as_py() or 0)
    return most


def _named_shards(work: Work) -> list[tuple[str, ShardEntry]]:
    """Each shard's path below the work folder, and its entry under its final name."""
    named = []
    for result in work.results.values():
        for number, shard in enumerate(result.shards):
            path = f"{shard.corpus}/{shard.corpus}-{number:06d}.tar"
            entry = ShardEntry(shard.corpus, path, shard.samples, shard.bytes, shard.sha256)
            named.append((shard.path, entry))
    return named


def _described(item: Input) -> dict[str, object]:
    """An input as the manifest names it."""
    return {"kind": item.kind, "path": item.path, "bytes": item.size, "files": item.files}
