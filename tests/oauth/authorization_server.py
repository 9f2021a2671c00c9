"""An OAuth2 authorization server made of authlib's: code with PKCE, device code, client secret, refresh, revocation.

What it knows is in memory. authlib checks requests and words answers; here is what authlib leaves to its user: who the
clients are, what is kept, and what a person answers.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer, grants
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.datastructures import Headers
from starlette.responses import Response

DEVICE_GRANT = DeviceCodeGrant.GRANT_TYPE
SECRET = "s3cret/+ of the robot"
CLIENT = "flytectl"
ROBOT = "robot"


@dataclass
class Client(ClientMixin):
    client_id: str
    redirect_uri: str = ""
    secret: str = ""
    grants: tuple[str, ...] = ()

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret) and client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_secret_basic" if self.secret else "none")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants


@dataclass
class Code(AuthorizationCodeMixin):
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Issued(TokenMixin):
    access: str
    refresh: str
    client_id: str
    scope: str
    user: str
    expires_in: int
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return self.expires_in

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return self.revoked


@dataclass
class World:
    """What the server keeps, and what a test may turn.

    Attributes:
        person: who logs in; empty to refuse.
        agreed: what the person answers about a user code: True, False, or nothing yet.
        slow: how many times a device is told to slow down.
        life: seconds of an access token.
        grants: token requests by grant type.
    """

    issuer: str = ""
    redirect_uri: str = ""
    person: str = "jane"
    agreed: dict[str, bool] = field(default_factory=dict)
    expired: bool = False
    slow: int = 0
    life: int = 1800
    grants: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Code] = field(default_factory=dict)
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: list[Issued] = field(default_factory=list)
    key: OctKey = field(default_factory=lambda: OctKey.generate_key(256))
    serial: int = 0

    def client(self, client_id: str) -> Client | None:
        if client_id == CLIENT:
            return Client(CLIENT, self.redirect_uri, grants=("authorization_code", "refresh_token", DEVICE_GRANT))
        if client_id == ROBOT:
            return Client(ROBOT, secret=SECRET, grants=("client_credentials",))
        return None

    def claims(self, token: str) -> dict[str, Any] | None:
        """What a valid access token says; None for one that is not."""
        try:
            found = jwt.decode(token, self.key).claims
        except (JoseError, ValueError):
            return None
        known = next((one for one in self.tokens if one.access == token), None)
        if known is None or known.revoked or found["exp"] <= time.time():
            return None
        return dict(found)

    def generate(self, **asked: Any) -> dict[str, Any]:
        """authlib's token generator: a JWT as Flyte Admin makes them, and a refresh token that is used once."""
        self.serial += 1
        client, user, now = asked["client"], asked["user"] or "", int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": [self.issuer],
            "client_id": client.client_id,
            "sub": user,
            "iat": now,
            "exp": now + self.life,
            "jti": str(self.serial),
        }
        scope = asked["scope"] or ""
        token = {
            "access_token": jwt.encode({"alg": "HS256"}, claims, self.key),
            "token_type": "bearer",
            "expires_in": self.life,
            # As Flyte Admin does, more than was asked for.
            "scope": f"{scope} f.all access_token".strip(),
        }
        if asked.get("include_refresh_token") and client.check_grant_type("refresh_token"):
            token["refresh_token"] = f"refresh-{self.serial}-{'r' * 30}"
        return token


class Request(OAuth2Request):
    """authlib's request from an ASGI one that was read."""

    def __init__(self, method: str, uri: str, body: bytes, headers: Headers) -> None:
        # authlib wants https, also on this machine.
        super().__init__(method, uri.replace("http://", "https://", 1), headers=headers)
        query = dict(parse_qsl(uri.partition("?")[2]))
        self._form = dict(parse_qsl(body.decode()))
        self._args = query
        self.payload = BasicOAuth2Payload({**query, **self._form})

    @property
    def args(self) -> dict[str, str]:
        return self._args

    @property
    def form(self) -> dict[str, str]:
        return self._form


class Server(AuthorizationServer):
    """authlib's server with its world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.register_token_generator("default", world.generate)
        self.register_grant(CodeGrant, [CodeChallenge(required=True)])
        self.register_grant(RefreshGrant)
        self.register_grant(grants.ClientCredentialsGrant)
        self.register_grant(DeviceGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(DeviceEndpoint)

    def query_client(self, client_id: str) -> Client | None:
        return self.world.client(client_id)

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        issued = Issued(
            token["access_token"],
            token.get("refresh_token", ""),
            request.client.client_id,
            token["scope"],
            request.user or "",
            token["expires_in"],
        )
        self.world.tokens.append(issued)

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        content = json.dumps(body) if isinstance(body, dict) else body
        return Response(content, status_code=status, headers=dict(headers))

    def authorize(self, request: Request) -> Response:
        """What the person's browser gets in the end: a redirect to the client, with a code or an error."""
        try:
            grant = self.get_consent_grant(request, self.world.person)
        except OAuth2Error as error:
            return self.handle_error_response(request, error)
        response: Response = self.create_authorization_response(request, self.world.person or None, grant)
        return response


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]
    server: Server

    def save_authorization_code(self, code: str, request: Request) -> None:
        data = request.payload.data
        self.server.world.codes[code] = Code(
            code,
            request.client.client_id,
            request.payload.redirect_uri,
            request.payload.scope,
            request.user,
            data["code_challenge"],
            data["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = self.server.world.codes.get(code)
        return found if found is not None and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.server.world.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: Server

    def authenticate_refresh_token(self, refresh_token: str) -> Issued | None:
        found = [one for one in self.server.world.tokens if one.refresh == refresh_token and not one.revoked]
        return found[0] if found else None

    def authenticate_user(self, refresh_token: Issued) -> str:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Issued) -> None:
        # Rotation: the refresh token is used up, the access token lives on.
        refresh_token.refresh = ""


class DeviceGrant(DeviceCodeGrant):
    server: Server

    def query_device_credential(self, device_code: str) -> DeviceCredentialDict | None:
        found = self.server.world.devices.get(device_code)
        return DeviceCredentialDict(found) if found is not None else None

    def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
        agreed = self.server.world.agreed.get(user_code)
        return None if agreed is None else ("jane", agreed)

    def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
        world = self.server.world
        world.slow -= 1
        return world.slow >= 0

    def validate_device_credential(self, credential: DeviceCredentialDict) -> Any:
        if self.server.world.expired:
            credential["expires_at"] = 1
        return super().validate_device_credential(credential)


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    INTERVAL = 1
    server: Server

    def get_verification_uri(self) -> str:
        return f"{self.server.world.issuer}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        end = int(time.time()) + data["expires_in"]
        self.server.world.devices[data["device_code"]] = {
            "client_id": client_id,
            "scope": scope,
            **data,
            "expires_at": end,
        }


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["none"]
    server: Server

    def query_token(self, token_string: str, token_type_hint: str | None) -> Issued | None:
        found = [one for one in self.server.world.tokens if token_string in (one.access, one.refresh)]
        return found[0] if found else None

    def revoke_token(self, token: Issued, request: Request) -> None:
        token.revoked = True
