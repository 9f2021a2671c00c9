"""Whatever a file holds, a preview is bounded, free of control codes, and never a crash."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from tests.preview.look import look, violations

_PIECES = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\t", b"\0", b"\x1b[2J", b"[", b"{", b"}", b"]", b":", b"1", b"a", b"\\", b"\xff",
     "\u202e".encode(), b"\xfe\xff", b"\xef\xbb\xbf", b"true", b'{"a":1}\n', b"sep=", b"PK\x03\x04", b"x" * 700]
)  # fmt: skip
_CONTENT = st.one_of(
    st.binary(max_size=400),
    st.lists(_PIECES, max_size=60).map(b"".join),
    st.text(max_size=200).map(lambda text: text.encode("utf-16")),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
)
_LIMITS = st.builds(
    Limits,
    head=st.sampled_from([1, 16, 100, 4096]),
    whole=st.sampled_from([0, 300]),
    rows=st.sampled_from([0, 1, 5]),
    columns=st.sampled_from([1, 3]),
    lines=st.sampled_from([0, 1, 4]),
    line=st.sampled_from([1, 20]),
    cell=st.sampled_from([1, 8]),
    nodes=st.sampled_from([1, 10]),
    depth=st.sampled_from([0, 3]),
)
_FORMATS = st.sampled_from(
    [
        "",
        "csv",
        "tsv",
        "json",
        "jsonl",
        "log",
        "parquet",
        "pkl",
        "pt",
        "joblib",
        "onnx",
        "safetensors",
        "npy",
        "zip",
        "tar",
    ]
)


async def _preview(content: bytes, name: str, format_: str, limits: Limits) -> Preview | None:
    try:
        return await look(content, name, format_, limits)
    except PreviewError:
        return None


@settings(max_examples=300, deadline=None)
@given(content=_CONTENT, name=st.text(max_size=10), format_=_FORMATS, limits=_LIMITS)
async def test_any_bytes(content: bytes, name: str, format_: str, limits: Limits) -> None:
    found = await _preview(content, name, format_, limits)
    if found is None:
        return
    assert violations(found, limits) == []
