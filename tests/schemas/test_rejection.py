from schemas.rejection import BadInput, Reason, Why


def test_bad_input_carries_why():
    error = BadInput(Reason.TOO_SMALL, 30, 64)
    assert error.why == Why(Reason.TOO_SMALL, 30, 64)
    assert str(error) == "too_small: 30"
    assert str(BadInput(Reason.NO_TEXT)) == "no_text"


def test_reasons_are_words():
    assert all(reason.value.replace("_", "").isalpha() for reason in Reason)
