"""Signed URLs of blobs, and the blobs behind them.

A URL is signed by HMAC over method, path and expiry, so that it needs no token; only files below the home's blobs, runs
and datasets have one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from flyteidl.admin import node_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import dataproxy_pb2
from google.protobuf.duration_pb2 import Duration

from flowtui.local.call import Admin, Call, from_nanos
from flowtui.local.home import Home
from flowtui.local.nodes import get_node_execution_data, get_task_execution_data, node_row
from flowtui.local.status import INTERNAL, NOT_FOUND, AdminError, invalid, text
from flowtui.local.store import select

BLOB_PATH = "/blobs"
MAX_EXPIRES = 3600
_PART = "[A-Za-z0-9_-]+"
_FLYTE_URL = re.compile(
    rf"flyte://v1/(?P<project>{_PART})/(?P<domain>{_PART})/(?P<execution>{_PART})/(?P<node>{_PART})"
    rf"(?:/(?P<attempt>\d+))?/(?P<what>[iod])(?:/(?P<name>{_PART}))?$"
)
_NO_BUCKET = "- minimum field size of 1, GetObjectInput.Bucket.\n"
_NO_KEY = "- minimum field size of 1, GetObjectInput.Key.\n"


def create_download_location(call: Call, request: Any) -> Any:
    """A URL for reading ``native_url``, whether there is something or not."""
    seconds = _expires(request, "error while validating request: expiresIn is invalid. Error: ")
    url, expires_at = sign_download(call, request.native_url, seconds)
    return dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url, expires_at=from_nanos(expires_at))


def _expires(request: Any, prefix: str) -> int:
    """The seconds that a URL shall live; an hour where the request does not say."""
    if not request.HasField("expires_in"):
        return MAX_EXPIRES
    asked: Duration = request.expires_in
    if asked.ToNanoseconds() > MAX_EXPIRES * 10**9:
        shown, most = _go_duration(asked.ToNanoseconds()), _go_duration(MAX_EXPIRES * 10**9)
        raise invalid(f"{prefix}input duration [{shown}] cannot exceed max allowed expiration [{most}]")
    if asked.seconds < 1:
        raise AdminError(INTERNAL, "failed to create a signed url. Error: presign requires a positive expiry")
    return int(asked.seconds)


def _go_duration(nanos: int) -> str:
    seconds, rest = divmod(nanos, 10**9)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    shown = f"{seconds}{fraction}s"
    if hours or minutes:
        shown = f"{minutes}m{shown}"
    return f"{hours}h{shown}" if hours else shown


def sign_download(call: Call, native_url: str, seconds: int) -> tuple[str, int]:
    """A signed URL for reading, and when it expires in nanoseconds.

    Raises:
        AdminError: the URL cannot be parsed, or leads out of the home.
    """
    path = _local(call.admin.home, native_url)
    if path is None:
        problems = [_NO_BUCKET] if native_url else [_NO_BUCKET, _NO_KEY]
        raise AdminError(
            INTERNAL,
            "failed to create a signed url. Error: InvalidParameter: "
            f"{len(problems)} validation error(s) found.\n{''.join(problems)}",
        )
    return _sign(call, "GET", path, seconds)


def _local(home: Home, native_url: str) -> Path | None:
    if native_url.startswith("/"):
        plain = home.resolve(native_url)
        # A plain path counts as it is; quoted as a URL only where there is no such file.
        return plain if plain is not None and plain.exists() else home.resolve(unquote(native_url)) or plain
    if "://" not in native_url or native_url.startswith("file://"):
        return home.resolve(native_url)
    # Admin reads it as a URL: query and fragment are cut off, escapes decoded.
    cut = native_url.partition("#")[0].partition("?")[0]
    if broken := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", cut):
        raise invalid(f'error while validating request: parse "{native_url}": invalid URL escape "{broken[0]}"')
    return home.resolve(unquote(cut))


def _sign(call: Call, method: str, path: Path, seconds: int, md5: str = "") -> tuple[str, int]:
    expires_at = call.admin.clock() + seconds * 10**9
    relative = path.relative_to(call.admin.home.path.resolve()).as_posix()
    expires = str(expires_at // 10**9)
    signature = _signature(call.admin, method, relative, expires, md5)
    return f"{call.base_url}{BLOB_PATH}/{quote(relative)}?expires={expires}&signature={signature}", expires_at


def _signature(admin: Admin, method: str, relative: str, expires: str, md5: str) -> str:
    payload = "\n".join((method, relative, expires, md5)).encode("utf-8", "surrogateescape")
    return hmac.new(admin.signing_key, payload, "sha256").hexdigest()


def is_signed(admin: Admin, method: str, relative: str, query: Mapping[str, str], md5: str = "") -> bool:
    """Whether a request for a blob carries a signature that is ours and has not expired."""
    expires = query.get("expires", "")
    if not (expires.isascii() and expires.isdigit() and len(expires) < 20):
        return False
    if int(expires) * 10**9 < admin.clock():
        return False
    expected = _signature(admin, method, relative, expires, md5)
    return hmac.compare_digest(expected.encode(), query.get("signature", "").encode("utf-8", "replace"))


def create_upload_location(call: Call, request: Any) -> Any:
    """A URL for writing one file, below ``upload/PROJECT/DOMAIN`` of Admin's container."""
    if not request.project or not request.domain:
        raise invalid("prject and domain are required parameters")
    if not request.content_md5 and not request.filename_root:
        raise invalid("content_md5 or filename_root is a required parameter")
    seconds = _expires(request, "expires_in is invalid. Error: ")
    import secrets

    root = request.filename_root or base64.b32encode(request.content_md5).decode()
    name = request.filename or secrets.token_hex(16)
    parts = [request.project, request.domain, *root.split("/"), *name.split("/")]
    if any(part in ("", ".", "..") for part in parts):
        raise invalid(f"invalid file name {name}")
    native = "/".join((call.admin.container, "upload", *parts))
    path = call.admin.home.resolve(native)
    if path is None:
        raise invalid(f"invalid file name {name}")
    md5 = base64.b64encode(request.content_md5).decode()
    url, expires_at = _sign(call, "PUT", path, seconds, md5)
    headers = {"Content-Length": str(len(md5)), "Content-MD5": md5} if md5 else {}
    if md5 and request.add_content_md5_metadata:
        headers["x-amz-meta-flyteContentMD5"] = md5
    return dataproxy_pb2.CreateUploadLocationResponse(
        signed_url=url, native_url=native, expires_at=from_nanos(expires_at), headers=headers
    )


def create_download_link(call: Call, request: Any) -> Any:
    """A URL of a node's deck, for the only type of link that there is."""
    if request.artifact_type == dataproxy_pb2.ARTIFACT_TYPE_UNDEFINED:
        raise invalid("invalid artifact type [ARTIFACT_TYPE_UNDEFINED]")
    seconds = _expires(request, "expires_in is invalid. Error: ")
    row = node_row(call, request.node_execution_id)
    closure = node_execution_pb2.NodeExecutionClosure.FromString(row["closure"])
    if not closure.deck_uri:
        request.expires_in.seconds = seconds
        raise AdminError(NOT_FOUND, f"no deckUrl found for request [{text(request)}]")
    url, expires_at = sign_download(call, closure.deck_uri, seconds)
    moment = from_nanos(expires_at)
    return dataproxy_pb2.CreateDownloadLinkResponse(
        signed_url=[url],
        expires_at=moment,
        pre_signed_urls=dataproxy_pb2.PreSignedURLs(signed_url=[url], expires_at=moment),
    )


def get_data(call: Call, request: Any) -> Any:
    """What a ``flyte://`` URL names: inputs or outputs of a node or attempt, one of them, or a deck."""
    match = _FLYTE_URL.match(request.flyte_url)
    if match is None:
        raise invalid(f"failed to parse artifact url Error: failed to parse [{request.flyte_url}]")
    execution = identifier_pb2.WorkflowExecutionIdentifier(
        project=match["project"], domain=match["domain"], name=match["execution"]
    )
    node = identifier_pb2.NodeExecutionIdentifier(node_id=match["node"], execution_id=execution)
    row = node_row(call, node)
    if match["what"] == "d":
        closure = node_execution_pb2.NodeExecutionClosure.FromString(row["closure"])
        if not closure.deck_uri:
            raise AdminError(NOT_FOUND, f"no deck for [{request.flyte_url}]")
        url, expires_at = sign_download(call, closure.deck_uri, MAX_EXPIRES)
        signed = dataproxy_pb2.PreSignedURLs(signed_url=[url], expires_at=from_nanos(expires_at))
        return dataproxy_pb2.GetDataResponse(pre_signed_urls=signed)
    if match["attempt"] is None:
        data: Any = get_node_execution_data(call, node_execution_pb2.NodeExecutionGetDataRequest(id=node))
    else:
        data = _attempt_data(call, node, int(match["attempt"]))
    literals = data.full_inputs if match["what"] == "i" else data.full_outputs
    if match["name"] is None:
        return dataproxy_pb2.GetDataResponse(literal_map=literals)
    if match["name"] not in literals.literals:
        raise invalid(f"{match['name']} not found in literal map of [{request.flyte_url}]")
    return dataproxy_pb2.GetDataResponse(literal=literals.literals[match["name"]])


def _attempt_data(call: Call, node: Any, attempt: int) -> Any:
    from flyteidl.admin import task_execution_pb2

    key = (node.execution_id.project, node.execution_id.domain, node.execution_id.name, node.node_id, attempt)
    rows = select(
        call.db,
        "SELECT project, domain, name, version FROM task_executions WHERE execution_project = ? AND "
        "execution_domain = ? AND execution_name = ? AND node_id = ? AND retry_attempt = ?",
        key,
    )
    if not rows:
        raise AdminError(NOT_FOUND, f"no task execution of attempt {attempt} for {text(node)}")
    task = identifier_pb2.Identifier(resource_type=identifier_pb2.TASK, **dict(rows[0]))
    identifier = identifier_pb2.TaskExecutionIdentifier(task_id=task, node_execution_id=node, retry_attempt=attempt)
    return get_task_execution_data(call, task_execution_pb2.TaskExecutionGetDataRequest(id=identifier))


def decoded_md5(value: str) -> bytes | None:
    """The 16 bytes of a Content-MD5 header, None where it is none."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if len(decoded) == 16 else None
