"""The emulator of Google Cloud Storage in a process of its own, with what it lacks: generations as conditions.

    python -m tests.storage.google_emulator BUCKET

prints its port, and ends with its standard input. ``ifGenerationMatch`` and ``x-goog-generation`` are as in
cloud.google.com/storage/docs/request-preconditions and docs/xml-api/reference-headers.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import objects

_insert, _download = objects.insert, objects.download


def _generation(storage: Any, bucket: str, name: str) -> str:
    try:
        return str(storage.get_file_obj(bucket, name)["generation"])
    except NotFound:
        return "0"


def insert(request: Any, response: Any, storage: Any, *args: Any, **kwargs: Any) -> None:
    """``objects.insert`` that looks at the condition first."""
    (wanted,) = request.query.get("ifGenerationMatch", [""])
    if wanted:
        name = request.query["name"][0] if "name" in request.query else request.data["meta"]["name"]
        if wanted != _generation(storage, request.params["bucket_name"], name):
            response.status = HTTPStatus.PRECONDITION_FAILED
            response.json({"error": {"code": 412, "message": "At least one of the pre-conditions did not hold."}})
            return
    _insert(request, response, storage, *args, **kwargs)


def download(request: Any, response: Any, storage: Any, *args: Any, **kwargs: Any) -> None:
    """``objects.download`` that tells the generation."""
    _download(request, response, storage, *args, **kwargs)
    generation = _generation(storage, request.params["bucket_name"], request.params["object_id"])
    if generation != "0":
        response["x-goog-generation"] = generation


def main() -> None:
    objects.insert, objects.download = insert, download
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=sys.argv[1])
    server.start()
    sys.stdout.write(f"{server._api._httpd.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
