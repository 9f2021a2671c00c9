import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.headless.json import dumps, instant


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_the_true_strings_come_back(value: object) -> None:
    assert json.loads(dumps(value)) == value


@given(st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co"]), min_size=1))
def test_nothing_in_it_acts_on_a_terminal(text: str) -> None:
    out = dumps([text])
    assert out.isascii()
    assert all(char.isprintable() or char == "\n" for char in out)


def test_readable_text_stays_readable() -> None:
    assert dumps({"é": "試験 😀"}) == '{\n  "é": "試験 😀"\n}\n'


def test_not_a_number_is_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(float("nan"))


def test_instants_are_in_utc() -> None:
    time = datetime(2026, 11, 23, 18, 9, 51, 373859, tzinfo=timezone(timedelta(hours=1)))
    assert instant(time) == "2026-11-23T17:09:51.373859Z"
    assert instant(None) is None
