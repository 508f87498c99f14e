"""A forge's delivery of a webhook: whether it is genuine, and whether it is about our branch.

Values only. Each forge signs the body with the secret, or sends the secret itself:

- GitHub: `X-Hub-Signature-256` (docs.github.com, "Validating webhook deliveries")
- Gitea and Forgejo: `X-Gitea-Signature`, `X-Forgejo-Signature` (docs.gitea.com, "Webhooks")
- Bitbucket: `X-Hub-Signature` with SHA-256 (support.atlassian.com, "Manage webhooks")
- GitLab: `X-Gitlab-Token`, or `webhook-signature` (docs.gitlab.com, "Webhooks")

A delivery that is sent again makes one more fetch, and nothing else.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs

#: Headers with a hexadecimal HMAC-SHA256 of the body.
_SIGNATURES = (
    "x-hub-signature-256",
    "x-forgejo-signature",
    "x-gitea-signature",
    "x-hub-signature",
)

#: How a signing token of GitLab begins (https://www.standardwebhooks.com).
_SIGNING_TOKEN = "whsec_"  # noqa: S105  # only the beginning

#: Headers that name the event, and the values that mean a push.
_EVENTS: Mapping[str, frozenset[str]] = {
    "x-github-event": frozenset({"push"}),
    "x-gitea-event": frozenset({"push"}),
    "x-forgejo-event": frozenset({"push"}),
    "x-gitlab-event": frozenset({"Push Hook", "System Hook"}),
    "x-event-key": frozenset({"repo:push", "repo:refs_changed"}),
}


class Delivery(Enum):
    """What to do with a delivery."""

    UNSIGNED = auto()  #: refuse it: it has no signature or token
    FORGED = auto()  #: refuse it: its signature or token is another one
    IGNORED = auto()  #: accept it: it is about another event or branch
    PUSH = auto()  #: fetch


def judge(headers: Mapping[str, str], body: bytes, secret: str, branch: str) -> Delivery:
    """What to do with a delivery. `headers`: by name in lower case.

    `branch`: the one that is fetched; "": unknown, so a push to any branch counts.
    """
    genuine = _is_genuine(headers, body, secret)
    if genuine is None:
        return Delivery.UNSIGNED
    if not genuine:
        return Delivery.FORGED
    events = [headers[name] in pushes for name, pushes in _EVENTS.items() if name in headers]
    if not all(events):
        return Delivery.IGNORED
    branches = set(_branches(_payload(headers, body)))
    return Delivery.PUSH if not branch or branch in branches else Delivery.IGNORED


def _is_genuine(headers: Mapping[str, str], body: bytes, secret: str) -> bool | None:
    """Whether the first signature or token is right; None: there is none."""
    key = secret.encode()
    for name in _SIGNATURES:
        if name in headers:
            algorithm, _, value = headers[name].rpartition("=")
            right = hmac.digest(key, body, "sha256").hex()
            return algorithm in ("", "sha256") and _are_equal(value.lower(), right)
    if "webhook-signature" in headers:
        return _has_standard_signature(headers, body, secret)
    if "x-gitlab-token" in headers:
        return _are_equal(headers["x-gitlab-token"], secret)
    return None


def _has_standard_signature(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether one of the signatures is right, by the specification of Standard Webhooks."""
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING_TOKEN), validate=True)
    except binascii.Error:
        return False
    beginning = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}."
    digest = hmac.digest(key, beginning.encode("utf-8", "replace") + body, "sha256")
    right = f"v1,{base64.b64encode(digest).decode()}"
    signatures = headers["webhook-signature"].split()[:10]  # several while a token is replaced
    return any(_are_equal(signature, right) for signature in signatures)


def _are_equal(given: str, right: str) -> bool:
    """Compare in a time that depends on neither: digests of both have one length."""
    digests = (hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (given, right))
    return hmac.compare_digest(*digests)


def _payload(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """The JSON object of a delivery, which may be in a form; empty: it has none."""
    try:
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            body = parse_qs(body.decode(), max_num_fields=10).get("payload", ["{}"])[0].encode()
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _branches(payload: Mapping[str, Any]) -> Iterator[str]:
    """The branches that were pushed to."""
    push = payload.get("push")
    changes = push.get("changes") if isinstance(push, dict) else payload.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if not isinstance(change, dict):
            continue
        for side in ("new", "old"):  # Bitbucket Cloud; new is null for a branch that was deleted
            ref = change.get(side)
            if isinstance(ref, dict) and ref.get("type") == "branch":
                yield str(ref.get("name", ""))
        yield from _branch_of(change.get("ref"))  # Bitbucket Data Center
    yield from _branch_of(payload.get("ref"))


def _branch_of(ref: object) -> Iterator[str]:
    name = ref.get("id") if isinstance(ref, dict) else ref
    if isinstance(name, str) and name.startswith("refs/heads/"):
        yield name.removeprefix("refs/heads/")
