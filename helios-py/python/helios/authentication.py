"""Who the credentials are, and what they see."""

from __future__ import annotations

import json
from dataclasses import dataclass

from . import _wire
from ._checks import optional_text, present


@dataclass(frozen=True)
class Authentication(_wire.Answer):
    """Credentials that were accepted."""

    authenticated: bool
    """``True``: what fails is an exception."""
    stream_names: list[str]
    """Every stream of the region, sorted."""
    account: str
    """The AWS account."""
    arn: str
    """The user or role."""


def read(answer: str) -> Authentication:
    """The answer to ``authenticate``."""
    return _wire.read(Authentication, answer)


def credentials(
    access_key: str | None,
    secret_key: str | None,
    *,
    session_token: str | None,
    region: str | None,
    role_arn: str | None,
    external_id: str | None,
    profile: str | None,
) -> str | None:
    """The credentials that were given, as JSON; ``None`` if none were."""
    given = present(
        accessKey=optional_text("access_key", access_key),
        secretKey=optional_text("secret_key", secret_key),
        sessionToken=optional_text("session_token", session_token),
        region=optional_text("region", region),
        roleArn=optional_text("role_arn", role_arn),
        externalId=optional_text("external_id", external_id),
        profile=optional_text("profile", profile),
    )
    return json.dumps(given) if given else None
