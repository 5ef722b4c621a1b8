import json
from pathlib import Path

import pytest

from pipeline.explain import block_row
from pipeline.extract.document import extract_document
from schemas.records import Page

GOLDEN = sorted(Path(__file__).parent.joinpath("golden").glob("*.json"))


def test_the_suite_is_whole():
    assert len(GOLDEN) >= 65


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_page(path):
    golden = json.loads(path.read_text(encoding="utf-8"))
    body = "\n".join(golden["html"]).encode()
    document = extract_document(Page("key", golden["url"], body, "text/html; charset=utf-8"))
    assert [block_row(block) for block in document.blocks] == golden["blocks"]
