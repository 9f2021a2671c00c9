"""How a Flyte Admin wants its clients to log in, as it says without a login.

Flyte's own document is ``/config/v1/flyte_client`` (flyteidl/service/auth.proto, PublicClientAuthConfigResponse), the
other one RFC 8414. Both are asked for as ``application/json``: the gateway answers in camelCase otherwise, which is
read too. An Admin without login has the routes and answers 501.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowtui import text
from flowtui.admin.auth.addresses import may_carry_secrets, same_origin
from flowtui.admin.auth.channel import Answer, AuthChannel
from flowtui.errors import AuthError, FlowtuiError, ServerError

CLIENT_PATH = "/config/v1/flyte_client"
METADATA_PATH = "/.well-known/oauth-authorization-server"

AUTHORIZATION = "authorization"
"""The header where the server names no other; Flyte Admin reads it whatever it names."""

_HEADER = re.compile(r"[a-z0-9-]{1,100}")
_MAX_TEXT = 2000


@dataclass(frozen=True)
class Discovery:
    """What a server says about its login; texts are empty where it does not say.

    Attributes:
        client_id, redirect_uri, scopes, audience: of its public client, for logins of people.
        header: the header that it reads tokens from, in lower case.
        issuer, authorization_endpoint, token_endpoint, device_authorization_endpoint, revocation_endpoint: URLs.
        token_auth_methods: how a client with a secret may show it.
    """

    client_id: str = ""
    redirect_uri: str = ""
    scopes: tuple[str, ...] = ()
    audience: str = ""
    header: str = AUTHORIZATION
    issuer: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    device_authorization_endpoint: str = ""
    revocation_endpoint: str = ""
    token_auth_methods: tuple[str, ...] = ()


async def discover(channel: AuthChannel) -> Discovery | None:
    """What the server says; None where it offers no login. Both documents are asked for at the same time.

    Raises:
        AuthError: something in front of Flyte wants a login first.
        ServerError, UnreachableError: there is no answer that can be understood.
    """
    client, metadata = await asyncio.gather(
        channel.get(channel.endpoint + CLIENT_PATH), channel.get(channel.endpoint + METADATA_PATH)
    )
    # Flyte Admin without login has the routes (501); a server without them (404) offers none either.
    if client.status in (404, 501) and metadata.status in (404, 501):
        return None
    for answer in (client, metadata):
        _check(answer, channel.endpoint)
    return read_discovery(client.json(), metadata.json())


def _check(answer: Answer, endpoint: str) -> None:
    if answer.status in (401, 403, 407) or 300 <= answer.status < 400:
        raise AuthError(
            f"{endpoint} wants a login before it says how to log in ({answer.status}).",
            "Something in front of Flyte asks for it: give it a token (FLOWTUI_TOKEN, auth.token_file) or headers"
            " (auth.header_command).",
        )
    if answer.status in (404, 501):
        return
    if answer.status != 200:
        raise ServerError(
            f"{endpoint} does not say how to log in: it answers {answer.status}.",
            "Try again in a minute.",
            status=answer.status,
        )
    if not answer.json():
        raise ServerError(
            f"{endpoint} does not say how to log in: it answers with {text.plain(answer.content_type) or 'nothing'}.",
            "Check the endpoint: it is the address of Flyte Admin with its path, such as https://host/flows.",
        )


def read_discovery(client: Mapping[str, Any], metadata: Mapping[str, Any]) -> Discovery:
    """Both documents as one; what is no text or no URL that may carry secrets is left out."""
    header = _text(client, "authorization_metadata_key").lower()
    return Discovery(
        client_id=_text(client, "client_id"),
        redirect_uri=_text(client, "redirect_uri"),
        scopes=_texts(client, "scopes"),
        audience=_text(client, "audience"),
        header=header if _HEADER.fullmatch(header) else AUTHORIZATION,
        issuer=_url(metadata, "issuer"),
        authorization_endpoint=_url(metadata, "authorization_endpoint"),
        token_endpoint=_url(metadata, "token_endpoint"),
        device_authorization_endpoint=_url(metadata, "device_authorization_endpoint"),
        revocation_endpoint=_url(metadata, "revocation_endpoint"),
        token_auth_methods=_texts(metadata, "token_endpoint_auth_methods_supported"),
    )


async def revocation_endpoint(channel: AuthChannel, discovery: Discovery) -> str:
    """Where tokens are revoked (RFC 7009); empty where that is not offered.

    Flyte Admin's document has no field for it, so that the issuer's own one is asked; it may name its own server only.
    """
    if discovery.revocation_endpoint:
        return discovery.revocation_endpoint
    issuer = discovery.issuer.rstrip("/")
    if not issuer or issuer == channel.endpoint:
        return ""
    for place in ("/.well-known/openid-configuration", METADATA_PATH):
        try:
            answer = await channel.get(issuer + place)
        except FlowtuiError:
            return ""
        found = _url(answer.json(), "revocation_endpoint") if answer.status == 200 else ""
        if found and same_origin(found, discovery.token_endpoint):
            return found
    return ""


def _get(document: Mapping[str, Any], name: str) -> Any:
    head, *rest = name.split("_")
    return document.get(name, document.get(head + "".join(word.capitalize() for word in rest)))


def _text(document: Mapping[str, Any], name: str) -> str:
    value = _get(document, name)
    return value if isinstance(value, str) and len(value) <= _MAX_TEXT and value.isprintable() else ""


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = _get(document, name)
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values[:100] if isinstance(value, str) and value.isprintable() and value)


def _url(document: Mapping[str, Any], name: str) -> str:
    value = _text(document, name)
    return value if may_carry_secrets(value) and "#" not in value and " " not in value else ""
