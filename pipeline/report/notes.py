"""What a reader has to know before the figures: what does not fit, what was not done."""

from collections.abc import Iterator

from pipeline.report.corpora import CorpusFigures
from pipeline.report.samples import Shown
from pipeline.report.verdicts import Verdicts
from schemas.manifest import Manifest, StageCount


def notes_of(
    manifest: Manifest,
    verdicts: Verdicts,
    corpora: list[CorpusFigures],
    samples: list[Shown],
) -> Iterator[tuple[str, str]]:
    """Warnings ("bad") and remarks ("note") in words, the grave ones first."""
    for stage in manifest.stages:
        yield from _stage_notes(stage, verdicts)
    for figures in corpora:
        counted = sum(one.samples for one in manifest.shards if one.corpus == figures.name)
        if counted != figures.samples:
            yield (
                "bad",
                f"{figures.name}: the manifest counts {counted} samples, "
                f"the shards' indexes {figures.samples}.",
            )
    for shown in samples:
        if shown.fault:
            yield "bad", f"{shown.shard}: sample {shown.key} is damaged: {shown.fault}."
    yield from _remarks(manifest)


def _stage_notes(stage: StageCount, verdicts: Verdicts) -> Iterator[tuple[str, str]]:
    """What does not fit in the counts of a stage."""
    where = f"Stage {stage.name}, {stage.kind}s"
    if not stage.adds_up:
        lost = stage.read - stage.kept - sum(stage.rejected.values())
        yield "bad", f"{where}: {lost} of {stage.read} items are unaccounted for."
    found = {
        reason: refusals.count
        for (name, kind, reason), refusals in verdicts.refused.items()
        if (name, kind) == (stage.name, stage.kind)
    }
    if found != stage.rejected or verdicts.kept[stage.name, stage.kind] != stage.kept:
        yield "bad", f"{where}: the decisions table and the manifest count differently."


def _remarks(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What was not done, so that nobody takes it for done."""
    if not any(stage.name == "copies" for stage in manifest.stages):
        yield (
            "note",
            "No evaluation index was given: nothing was held against evaluation sets, and the "
            "corpora may hold copies of them.",
        )
    if not manifest.models:
        yield (
            "note",
            "No CLIP model was named: nothing is scored or dropped by score.",
        )
    made = {shard.corpus for shard in manifest.shards if shard.samples}
    unsafe = manifest.recipe.get("unsafe", {})
    if unsafe.get("scorer", "none") != "none" and unsafe.get("policy") == "flag":
        yield (
            "note",
            "Unsafe images are flagged and kept: the shards hold them, this page shows none.",
        )
    for corpus in manifest.recipe.get("corpora", []):
        if corpus not in made:
            yield "note", f"The recipe asks for {corpus}, and no sample of it was left."
