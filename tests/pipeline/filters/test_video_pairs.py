import pytest

from pipeline.filters.video_pairs import VtpLimits, judge_vtp_text
from schemas.rejection import Reason, Why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a boat crosses the lake", None),
        ("a boat moves", Why(Reason.CAPTION_LENGTH, 3, 4)),
        ("", Why(Reason.CAPTION_LENGTH, 0, 4)),
        ("word " * 201, Why(Reason.CAPTION_LENGTH, 201, 200)),
    ],
)
def test_descriptions_are_neither_labels_nor_transcripts(text, why):
    assert judge_vtp_text(text, VtpLimits()) == why
