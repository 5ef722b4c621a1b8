"""Publish: what the last stages wrote, under its final names, with the manifest written last."""

from importlib import metadata

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpora.card import CARD, corpus_card
from pipeline.corpora.plan import Request, pool_threshold
from pipeline.report.make import REPORT, make_report
from pipeline.report.removed import find_packed
from pipeline.stages.beam_files import FILES
from pipeline.stages.inputs import Input
from pipeline.stages.run import Work
from schemas.manifest import Manifest, ShardEntry, decode_manifest, encode_manifest
from schemas.recipe import digest_of, recipe_tree

MANIFEST = "manifest.json"


def make_manifest(name: str, overrides: list[str], request: Request, work: Work) -> Manifest:
    """The manifest of a build whose stages are all done."""
    recipe = request.recipe
    models = []
    if recipe.clip.scores:
        clip = recipe.clip
        models = [
            {"name": clip.model, "pretrained": clip.pretrained, "sha256": request.digests[-1]}
        ]
    thresholds = {
        corpus: threshold
        for corpus in request.pair_corpora
        if (threshold := pool_threshold(work, corpus, recipe.similarity.keep)) is not None
    }
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
        thresholds=thresholds,
    )


def is_current(output: str, manifest: Manifest) -> bool:
    """Whether the output already holds what the manifest says, with every shard in its place."""
    path = f"{output}/{MANIFEST}"
    if not FILES.exists(path):
        return False
    try:
        if decode_manifest(FILES.read(path)) != manifest:
            return False
    except ValueError:
        return False
    stems = [shard.path.removesuffix(".tar") for shard in manifest.shards]
    files = [REPORT, CARD, *(f"{stem}.{kind}" for stem in stems for kind in ("tar", "parquet"))]
    return all(FILES.exists(f"{output}/{file}") for file in files)


def publish(output: str, work: Work, manifest: Manifest) -> None:
    """Gives shards, sidecars and decisions their final names; the manifest comes last.

    An older manifest goes first, so that at no moment a manifest speaks of files that are not its.
    """
    FILES.remove(f"{output}/{MANIFEST}")
    wanted = {}
    for source, shard in _named_shards(work):
        stem = shard.path.removesuffix(".tar")
        wanted[f"{output}/{shard.path}"] = f"{work.root}/{source}"
        wanted[f"{output}/{stem}.parquet"] = f"{work.root}/{source.removesuffix('.tar')}.parquet"
    for result in work.results.values():
        for number, path in enumerate(result.tables.get("decisions", [])):
            target = f"{output}/decisions/{result.name}-{number:05d}.parquet"
            wanted[target] = f"{work.root}/{path}"
    for folder in ("m3w", "align", "ltip", "vtp", "decisions"):
        for path in FILES.list(f"{output}/{folder}"):
            if path not in wanted:
                FILES.remove(path)
    for target, source in sorted(wanted.items()):
        FILES.copy(source, target)
    report = make_report(
        output,
        manifest,
        FILES,
        find_media=lambda keys: find_packed(
            work.root, work.paths("decode", "found"), keys, FILES, FILES
        ),
    )
    FILES.write(f"{output}/{REPORT}", report)
    FILES.write(f"{output}/{CARD}", corpus_card(manifest, _most_images(output, manifest)).encode())
    FILES.write(f"{output}/{MANIFEST}", encode_manifest(manifest))


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
