"""Which file a ``flyte://v1/...`` reference names."""

from __future__ import annotations

import re
from datetime import timezone

from flowtui.admin import AdminClient
from flowtui.catalog.literals import files
from flowtui.domain.signed import SignedUrl
from flowtui.errors import NotFoundError, UsageError
from flowtui.text import plain

_NAMED = 20
_OF_A_VALUE = re.compile(r"flyte://v1/[^/]+/[^/]+/[^/]+/[^/]+(/\d+)?/([io](/[^/]+)?|d)$")
"""As Admin reads them (flyteadmin/pkg/common/flyte_url.go)."""


async def flyte_reference(client: AdminClient, reference: str) -> str | SignedUrl:
    """The native URI of the file that ``flyte://v1/PROJECT/DOMAIN/RUN/NODE[/ATTEMPT]/{i,o}/NAME`` names; of a deck
    (``/d``) a signed URL. Without a name, where there is one file only.

    Raises:
        NotFoundError: there is no such value, or no file in it.
        UsageError: it names several files, or a run or node.
        ServerError: Admin cannot tell; UnreachableError: it does not answer.
    """
    if not _OF_A_VALUE.match(reference):
        raise UsageError(
            f"{plain(reference)} names no input, output or deck.",
            "One of a file is flyte://v1/PROJECT/DOMAIN/RUN/NODE/o/NAME; `flowtui artifacts RUN` lists files.",
        )
    answer = await client.get_data(reference)
    if answer.WhichOneof("data") == "pre_signed_urls":
        signed = answer.pre_signed_urls
        if not signed.signed_url:
            raise NotFoundError(f"{plain(reference)} names nothing.")
        expires = signed.expires_at.ToDatetime(tzinfo=timezone.utc) if signed.HasField("expires_at") else None
        return SignedUrl(signed.signed_url[0], expires)
    literals = {"": answer.literal} if answer.HasField("literal") else dict(answer.literal_map.literals)
    found = {name: uri for name, literal in sorted(literals.items()) for uri in files(literal).uris}
    parts = [uri for literal in literals.values() for uri in files(literal).uris]
    if not parts:
        raise NotFoundError(f"{plain(reference)} names no file.", "It may be a value, or an output that was not made.")
    if len(parts) > 1 and "" not in found:
        names = ", ".join(plain(name) for name in list(found)[:_NAMED])
        raise UsageError(f"{plain(reference)} names {len(parts):,} files.", f"Add the name of one: {names}.")
    # Of a list of files the first, as elsewhere.
    return parts[0]
