"""The card of a finished corpus: what it is, for people, and its features, for HF datasets.

Without it HF's WebDataset reader takes a corpus's features from the first five samples of its first
shard, which `stages/shards.py` puts there for that: it reads every sample of M3W, but of each only
as many images as these five have, and no field of the JSON that none of them has. With the features
declared here, `load_dataset("OUT", "m3w")` reads every image and every field.
"""

from collections.abc import Iterator

from schemas.manifest import Manifest
from schemas.rejection import Reason

CARD = "README.md"

_PAIR = (("jpg", "image"), ("json", "json"), ("txt", "string"))
_MEMBERS = {
    "align": _PAIR,
    "ltip": _PAIR,
    "vtp": (("json", "json"), ("mp4", "video"), ("txt", "string")),
}


def corpus_card(manifest: Manifest, most_images: int) -> str:
    """The card as Markdown with a YAML head.

    Args:
        manifest: of the build.
        most_images: in one sequence of M3W.
    """
    corpora = list(dict.fromkeys(shard.corpus for shard in manifest.shards))
    head = ["---", "configs:"]
    for corpus in corpora:
        head += [f"- config_name: {corpus}", f"  data_files: {corpus}/*.tar"]
    head.append("dataset_info:")
    for corpus in corpora:
        head += [f"- config_name: {corpus}", "  features:"]
        for name, dtype in _features(corpus, most_images):
            head += [f"  - name: {name}", f"    dtype: {dtype}"]
    body = ["---", "", f"# {', '.join(corpora) or 'An empty corpus'}", ""]
    body += [f"Built by {manifest.software} with recipe `{manifest.recipe_name}`.", ""]
    body += ["| corpus | samples | shards | bytes |", "|---|---|---|---|"]
    for corpus in corpora:
        shards = [shard for shard in manifest.shards if shard.corpus == corpus]
        samples, size = sum(s.samples for s in shards), sum(s.bytes for s in shards)
        body.append(f"| {corpus} | {samples} | {len(shards)} | {size} |")
    body += list(_unsafe(manifest))
    body += [
        "",
        "What was kept and what was not: `report/index.html`, `manifest.json`, `decisions/`.",
        "",
    ]
    return "\n".join([*head, *body])


def _unsafe(manifest: Manifest) -> Iterator[str]:
    """What the build did about unsafe media, by reason; nothing where it did nothing."""
    limits = manifest.recipe.get("unsafe", {})
    lists = len(limits.get("hash_lists", ()))
    if limits.get("scorer", "none") == "none" and not lists:
        return
    yield from ("", "## Unsafe media", "")
    if limits["scorer"] != "none":
        yield (
            f"Scored by `{limits['scorer']}`; above {limits['max_score']:g}: `{limits['policy']}`."
        )
    if lists:
        yield f"Held against {lists} lists of digests; what they have was neither kept nor decoded."
    yield from ("", "| stage | kind | reason | taken out | flagged |", "|---|---|---|---|---|")
    for stage in manifest.stages:
        for reason in (Reason.LISTED_HASH, Reason.UNSAFE):
            counts = stage.rejected.get(reason, 0), stage.flagged.get(reason, 0)
            if any(counts):
                yield f"| {stage.name} | {stage.kind} | {reason} | {counts[0]} | {counts[1]} |"


def _features(corpus: str, most_images: int) -> list[tuple[str, str]]:
    """Member and type of each part of a sample, as HF datasets name them."""
    if corpus == "m3w":
        members = [("json", "json"), *((f"{index}.jpg", "image") for index in range(most_images))]
    else:
        members = list(_MEMBERS[corpus])
    return [*members, ("__key__", "string"), ("__url__", "string")]
