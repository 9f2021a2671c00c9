"""Requests and answers held against Domino's OpenAPI documents: the public API 6.3.0, and v4 below ``/v4``.

``tests/data/domino`` has the parts that are used here, without their prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DATA = Path(__file__).parents[2] / "data" / "domino"

BESIDE_THE_DOCUMENTS = {
    ("GET", "/version"): "Domino's Python client asks for it first; the documents leave it out",
}
"""Requests that are in neither document, and why they are answered."""

STATUSES_BESIDE = {
    204: "a chunk that is not there: python-domino sends it then (the document has 200 alone)",
    307: "a proxy in front of Domino sends elsewhere",
    503: "a proxy in front of Domino answers so",
    404: "v4 says nowhere what it answers about what does not exist",
}


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    document: str
    id: str
    pattern: re.Pattern[str]
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None
    responses: dict[str, Any]


class Contract:
    """Both documents."""

    def __init__(self) -> None:
        self._documents = {name: json.loads((DATA / f"{name}.json").read_text()) for name in ("public", "v4")}
        resources = [(f"urn:{name}", DRAFT4.create_resource(one)) for name, one in self._documents.items()]
        self._registry: Registry[Any] = Registry().with_resources(resources)
        self.operations: dict[tuple[str, str], Operation] = {}
        for name, document in self._documents.items():
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    prefix = "/v4" if name == "v4" else ""
                    found = self._operation(name, f"{prefix}{path}", operation)
                    self.operations[method.upper(), f"{prefix}{path}"] = found

    def _operation(self, name: str, path: str, operation: dict[str, Any]) -> Operation:
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("schema")
        parameters = tuple(operation.get("parameters", ()))
        return Operation(name, operation["operationId"], pattern, parameters, body, operation["responses"])

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a request."""
        found = [one for (verb, _), one in self.operations.items() if verb == method and one.pattern.fullmatch(path)]
        # A path without parameters beats one with.
        return max(found, key=lambda one: -one.pattern.pattern.count("[^/]+"), default=None)

    def violations(
        self,
        method: str,
        path: str,
        query: str,
        request: bytes,
        kind: str,
        status: int,
        answer: bytes,
        answer_kind: str,
    ) -> Iterator[str]:
        """What a request and its answer have against the documents."""
        if (method, path) in BESIDE_THE_DOCUMENTS:
            return
        operation = self.find(method, path)
        if operation is None:
            yield f"{method} {path} is in neither document"
            return
        good = status < 400
        if good:
            yield from self._of_query(operation, query)
        if good and operation.body is not None:
            yield from self._of_schema(operation, operation.body, json.loads(request or b"null"), "the request")
        if status in STATUSES_BESIDE and str(status) not in operation.responses:
            return
        if not good and set(operation.responses) == {"200"}:
            return  # Deleting a dataset: the document names no error at all.
        response = operation.responses.get(str(status))
        if response is None:
            yield f"{operation.id} answers {status}, which its document does not have"
            return
        if "$ref" in response:
            name = response["$ref"].rpartition("/")[2]
            response = self._documents[operation.document]["components"]["responses"][name]
        content = response.get("content", {})
        if "application/json" in content:
            if not answer_kind.startswith("application/json"):
                yield f"{operation.id} answers {status} as {answer_kind or 'nothing'}"
                return
            yield from self._of_schema(
                operation, content["application/json"].get("schema", {}), json.loads(answer), f"the answer {status}"
            )

    def _of_query(self, operation: Operation, query: str) -> Iterator[str]:
        known = {one["name"]: one for one in operation.parameters if one.get("in") == "query"}
        given = parse_qsl(query, keep_blank_values=True)
        for name, value in given:
            if name not in known:
                yield f"{operation.id} has no parameter {name}"
                continue
            schema = known[name].get("schema", {})
            schema = schema.get("items", schema)
            if schema.get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
                yield f"{operation.id}: {name} is no number: {value}"
            if schema.get("type") == "boolean" and value not in ("true", "false"):
                yield f"{operation.id}: {name} is neither true nor false: {value}"
            if "enum" in schema and value not in schema["enum"]:
                yield f"{operation.id}: {name} may not be {value}"
        for name, one in known.items():
            if one.get("required") and name not in dict(given):
                yield f"{operation.id} lacks {name}"

    def _of_schema(self, operation: Operation, schema: dict[str, Any], value: Any, what: str) -> Iterator[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', f'"urn:{operation.document}#/'))
        validator = OAS30Validator(absolute, registry=self._registry)
        for error in validator.iter_errors(value):
            yield f"{operation.id}, {what}: {error.json_path}: {error.message}"


@cache
def contract() -> Contract:
    """The contract, read once."""
    return Contract()


def validated(app: ASGIApp, broken: list[str] | None = None) -> ASGIApp:
    """The app, with an AssertionError for the first request or answer that breaks the contract.

    Args:
        broken: takes what breaks it instead: over HTTP the answer is gone before it is known.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request, answer = bytearray(), bytearray()
        start: dict[str, Any] = {}

        async def heard() -> Message:
            message = await receive()
            request.extend(message.get("body", b""))
            return message

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answer.extend(message.get("body", b""))
            await send(message)

        await app(scope, heard, said)
        found = list(
            contract().violations(
                scope["method"],
                unquote(scope["path"]),
                scope["query_string"].decode(),
                bytes(request),
                _header(scope["headers"], b"content-type"),
                start.get("status", 0),
                bytes(answer),
                _header(start.get("headers", ()), b"content-type"),
            )
        )
        if broken is not None:
            broken.extend(found)
        elif found:
            raise AssertionError("; ".join(found))

    return checked


def _header(headers: Any, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")
