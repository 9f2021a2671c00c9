import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.urls import Target, base_url, parse_target


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host", "https://host"),
        ("https://host/", "https://host"),
        ("https://host/flows/", "https://host/flows"),
        ("https://host/flows/console", "https://host/flows"),
        ("https://host/console/projects/p/domains/d/executions/x", "https://host"),
        ("https://host/flows/api/v1/projects", "https://host/flows"),
        ("host.example.com", "https://host.example.com"),
        ("host.example.com/flows", "https://host.example.com/flows"),
        ("localhost:8088", "http://localhost:8088"),
        ("127.0.0.1:8088", "http://127.0.0.1:8088"),
        ("http://[::1]:8088", "http://[::1]:8088"),
        ("dns:///host:81", "https://host:81"),
        ("https://host/consoles", "https://host/consoles"),
    ],
)
def test_base_urls(text: str, url: str) -> None:
    assert base_url(text) == url
    assert base_url(url) == url


def test_insecure_counts_only_without_a_scheme() -> None:
    assert base_url("dns:///host", insecure=True) == "http://host"
    assert base_url("dns:///localhost:1", insecure=False) == "https://localhost:1"
    assert base_url("https://host", insecure=True) == "https://host"


@pytest.mark.parametrize(
    "text", ["", "https://", "ftp://host", "https://u:p@host", "https://host:port", "https://a b", "http://ho\x1bst"]
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        base_url(text)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("run-1", Target("run-1")),
        ("p/d/run-1", Target("run-1", "p", "d")),
        (
            "https://h/console/projects/p/domains/d/executions/run-1?duration=all",
            Target("run-1", "p", "d", "https://h"),
        ),
        (
            "https://h/flows/console/projects/p/domains/d/executions/run%201/nodeId/n0/nodes",
            Target("run 1", "p", "d", "https://h/flows", "n0"),
        ),
        ("https://h/console/projects/p", Target("", "p", "", "https://h")),
        ("flyte://v1/p/d/run-1/n0/0/o/out", Target("run-1", "p", "d", node="n0")),
        ("flyte://v1/p/d/run-1/o/out", Target("run-1", "p", "d")),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["", " ", "flyte://v1/p", "flyte://av0.2/x", "https://host/elsewhere", "p/run", "p/d/run/n0", "p//r"]
)
def test_what_names_no_run_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_target(text)


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        target = parse_target(text)
    except ValueError:
        return
    assert target.name or target.project


@pytest.mark.parametrize("text", ["http://host:hush/", "host:hush", "https://host:99999"])
def test_what_is_no_port_is_not_repeated(text: str) -> None:
    """It may be a password that was written in the wrong place."""
    with pytest.raises(ValueError, match=r"^its port is none$"):
        base_url(text)
