"""The words of the runs filter, and the filters that they become."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.catalog.filters import filters
from flowtui.domain.query import FIELDS, Term, parse
from flowtui.errors import UsageError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
OF_WORKFLOW = "eq(workflow.project,p)+eq(workflow.domain,d)"


def said(text: str) -> str:
    return "+".join(filters(parse(text), "p", "d", NOW))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  camel  7f2 ", (Term("run", "camel"), Term("run", "7f2"))),
        (
            "wf:adam !phase:aborted text",
            (Term("workflow", "adam"), Term("phase", "aborted", True), Term("run", "text")),
        ),
        ('wf:"two words" "and more"', (Term("workflow", "two words"), Term("run", "and more"))),
        ('wf:"no end', (Term("workflow", "no end"),)),
        ("wf: phase:", ()),
        ("WF:x label:a=b:c", (Term("workflow", "x"), Term("label", "a=b:c"))),
        ("!camel", (Term("run", "camel", True),)),
        ("after:2026-01-31T09:00", (Term("after", "2026-01-31T09:00"),)),
    ],
)
def test_words(text: str, terms: tuple[Term, ...]) -> None:
    assert parse(text) == terms


def test_a_field_that_is_not_known() -> None:
    with pytest.raises(UsageError) as caught:
        parse("colour:red")
    assert "wf:" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("", ""),
        ("camel", "contains(execution_name,camel)"),
        ("!camel", "not_like(execution_name,%camel%)"),
        ("50%_x", r"contains(execution_name,50\%\_x)"),
        ("wf:adam", f"contains(workflow.name,adam)+{OF_WORKFLOW}"),
        ("!wf:adam", f"not_like(workflow.name,%adam%)+{OF_WORKFLOW}"),
        ("version:v1", f"eq(workflow.version,v1)+{OF_WORKFLOW}"),
        ("lp:child", "contains(launch_plan.name,child)+eq(launch_plan.project,p)+eq(launch_plan.domain,d)"),
        ("phase:failed", "eq(phase,FAILED)"),
        ("!phase:abort", "value_not_in(phase,ABORTED;ABORTING)"),
        ("!phase:aborted", "ne(phase,ABORTED)"),
        ("phase:done,failed", "value_in(phase,SUCCEEDED;FAILED)"),
        ("phase:timed-out", "eq(phase,TIMED_OUT)"),
        ("mode:child", "eq(mode,4)"),
        ("!mode:child_workflow", "ne(mode,4)"),
        ("by:jane", "eq(user,jane)"),
        ("label:team", "eq(execution_tag.key,team)"),
        ("label:team=x", "eq(execution_tag.key,team)+eq(execution_tag.value,x)"),
        ("after:2026-01-31", "gte(execution_created_at,2026-01-31T00:00:00Z)"),
        ("before:2026-01-31T09:30Z", "lt(execution_created_at,2026-01-31T09:30:00Z)"),
        ("!before:2026-01-31", "gte(execution_created_at,2026-01-31T00:00:00Z)"),
        ("after:2d", "gte(execution_created_at,2026-11-21T12:00:00Z)"),
        ("after:99999w", "gte(execution_created_at,0110-05-19T12:00:00Z)"),
        ("wf:a wf:a", f"contains(workflow.name,a)+{OF_WORKFLOW}"),
    ],
)
def test_filters(text: str, filter_: str) -> None:
    assert said(text) == filter_


@pytest.mark.parametrize(
    "text",
    ["phase:red", "phase:,", "mode:x", "after:soon", "a+b", "wf:a,b", "by:a;b", "!label:x", "label:=x"],
)
def test_what_cannot_be_said(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        said(text)
    assert caught.value.hint


@given(
    st.lists(st.sampled_from([*(f"{field}:" for field in FIELDS), "!", '"', " ", "a", "7d", "=", "+", ";", "ü", "\n"]))
)
def test_any_query_is_understood_or_refused(parts: list[str]) -> None:
    try:
        found = filters(parse("".join(parts)), "p", "d", NOW)
    except UsageError:
        return
    assert all(one.endswith(")") and one.count(";") <= 9 for one in found)
