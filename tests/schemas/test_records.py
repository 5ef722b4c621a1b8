from dataclasses import FrozenInstanceError, replace

import pytest

from schemas.records import ImageLink, Role, TextBlock


def test_records_are_frozen_and_replaced():
    block = TextBlock("Hi")
    with pytest.raises(FrozenInstanceError):
        block.text = "Ho"
    assert replace(block, role=Role.HEADING) == TextBlock("Hi", Role.HEADING)


def test_a_link_is_only_a_url_by_default():
    assert ImageLink("http://a/b.jpg") == ImageLink("http://a/b.jpg", "", "", 0, 0)
