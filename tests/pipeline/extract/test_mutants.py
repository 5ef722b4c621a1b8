"""A few mutants of pages, as tests/benchmarks/mutants.py makes ten thousand of them."""

import importlib.util
from pathlib import Path

import pytest

from pipeline.extract.document import extract_document
from schemas.records import Page

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "mutants.py"


@pytest.fixture(scope="module")
def mutants():
    spec = importlib.util.spec_from_file_location("mutants", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def within_bounds(tally):
    return 0 < tally.slowest[0] < 5 and 0 < tally.peak_bytes < 512 << 20


def test_mutants_of_made_up_pages(mutants):
    tally = mutants.read_mutants(mutants.made_up_pages(20), 200, seed=1)
    assert tally.crashes == []
    assert sum(tally.outcomes.values()) == 200
    assert tally.outcomes["document"] > 160
    assert within_bounds(tally)


@pytest.mark.shared
@pytest.mark.slow
def test_mutants_of_real_pages(mutants, shared_data):
    tally = mutants.read_mutants(mutants.real_pages(50), 200, seed=0)
    assert tally.crashes == []
    assert sum(tally.outcomes.values()) == 200
    assert tally.outcomes["document"] > 160
    assert within_bounds(tally)


def test_a_processing_instruction_is_passed_over():
    page = Page("key", "http://a.example/", b"<p>before <?php b ?> after</p>", "text/html")
    (block,) = extract_document(page).blocks
    assert block.text == "before after"


def test_a_mutant_is_drawn_again_by_its_number(mutants):
    pages = [b"<p>one page</p>" * 99, b"<p>another</p>" * 99]
    first, again = (list(mutants.mutants(pages, 40, 5)) for _ in range(2))
    assert first == again
    assert first != list(mutants.mutants(pages, 40, 6))
    assert list(mutants.mutants(pages, 10, 5)) == first[:10]
