"""The hosts that pairs come from, by what is measured of each: where rich descriptions are."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.filters.sources import HostCount, HostFigures, host_of, richest_first
from pipeline.store.shard_faults import sample_json
from pipeline.store.shard_files import Sample
from pipeline.store.shard_text import printable

_COLUMNS = ("corpus", "host", "pairs", "words", "score", "distinct", "type/token")


class ShardSources:
    """Counts the pairs of shards by corpus and host; samples of other kinds are passed over."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._counts: dict[str, dict[str, HostCount]] = defaultdict(lambda: defaultdict(HostCount))

    def add(self, corpus: str, sample: Sample) -> None:
        """Counts one sample, if it is a pair."""
        record = sample_json(sample)
        texts = [m.content.decode("utf-8", "replace") for m in sample.members if _is_text(m.name)]
        if len(texts) != 1:
            return
        score = record.get("similarity")
        host = host_of(str(record.get("page_url") or record.get("url") or ""))
        measured = float(score) if isinstance(score, int | float) else None
        self._counts[corpus][host].add(texts[0], measured)

    def figures(self) -> Iterator[tuple[str, HostFigures]]:
        """(corpus, figures) of each host, the longest texts of a corpus first."""
        for corpus, hosts in self._counts.items():
            for figures in richest_first(count.figures(host) for host, count in hosts.items()):
                yield corpus, figures


def source_lines(sources: Sequence[tuple[str, HostFigures]]) -> Iterator[str]:
    """A table of hosts; words and score are means of a pair."""
    yield "\t".join(_COLUMNS)
    for corpus, one in sources:
        score = "-" if one.mean_score is None else f"{one.mean_score:.3f}"
        cells = (
            corpus, one.host or "?", str(one.pairs), f"{one.mean_words:.1f}", score,
            f"{one.distinct:.3f}", f"{one.type_token:.3f}",
        )  # fmt: skip
        yield printable("\t".join(cells))


def _is_text(name: str) -> bool:
    return name.endswith(".txt")
