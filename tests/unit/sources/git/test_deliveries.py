"""Deliveries of four forges, in the form of their documentation."""

import base64
import hmac
import json
from urllib.parse import urlencode

import pytest

from syndicator.sources.git.deliveries import Delivery, judge

SECRET = "It's a Secret to Everybody"
TOKEN = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), body, "sha256").hex()


def ref(branch: str) -> bytes:
    """The payload of GitHub, GitLab, Gitea and Forgejo, in part."""
    return json.dumps({"ref": f"refs/heads/{branch}", "before": "0" * 40}).encode()


def cloud(branch: str) -> bytes:
    """The payload of Bitbucket Cloud, in part: the old side is null for a new branch."""
    new = {"type": "branch", "name": branch}
    return json.dumps({"push": {"changes": [{"new": new, "old": None}]}}).encode()


def data_center(branch: str) -> bytes:
    """The payload of Bitbucket Data Center, in part."""
    change = {"ref": {"id": f"refs/heads/{branch}", "type": "BRANCH"}, "type": "UPDATE"}
    return json.dumps({"eventKey": "repo:refs_changed", "changes": [change]}).encode()


def github(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {
        "x-github-event": "push",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature": "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6",
        "x-hub-signature-256": f"sha256={signature(body, secret)}",
        "content-type": "application/json",
    }


def gitea(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-gitea-event": "push", "x-gitea-signature": signature(body, secret)}


def forgejo(body: bytes, secret: str = SECRET) -> dict[str, str]:
    value = signature(body, secret)
    headers = {"x-forgejo-event": "push", "x-forgejo-signature": value}
    return headers | {"x-gitea-event": "push", "x-gitea-signature": value}


def gitlab(_body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-gitlab-event": "Push Hook", "x-gitlab-token": secret}


def bitbucket(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-event-key": "repo:push", "x-hub-signature": f"sha256={signature(body, secret)}"}


def bitbucket_server(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return bitbucket(body, secret) | {"x-event-key": "repo:refs_changed"}


FORGES = [
    (github, ref),
    (gitlab, ref),
    (gitea, ref),
    (forgejo, ref),
    (bitbucket, cloud),
    (bitbucket_server, data_center),
]


@pytest.mark.parametrize(("headers", "payload"), FORGES)
def test_a_delivery_of_each_forge(headers, payload) -> None:
    """Right, for another branch, signed with another secret, altered, and not signed."""
    body = payload("main")
    assert judge(headers(body), body, SECRET, "main") is Delivery.PUSH
    assert judge(headers(body), body, SECRET, "") is Delivery.PUSH
    other = payload("draft/x")
    assert judge(headers(other), other, SECRET, "main") is Delivery.IGNORED
    assert judge(headers(other), other, SECRET, "draft/x") is Delivery.PUSH
    assert judge(headers(body, "another secret"), body, SECRET, "main") is Delivery.FORGED
    if headers is not gitlab:  # its token does not depend on the body
        assert judge(headers(body), other, SECRET, "main") is Delivery.FORGED
    unsigned = {
        name: value for name, value in headers(body).items() if name.endswith(("event", "key"))
    }
    assert judge(unsigned, body, SECRET, "main") is Delivery.UNSIGNED


def test_the_example_of_github() -> None:
    """docs.github.com, "Testing the webhook payload validation"."""
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-github-event": "ping", "x-hub-signature-256": f"sha256={digest}"}
    assert judge(headers, b"Hello, World!", SECRET, "main") is Delivery.IGNORED
    assert judge(headers, b"Hello, World", SECRET, "main") is Delivery.FORGED


def test_the_signing_token_of_gitlab() -> None:
    """The signature covers id and time as well. Several are sent while a token is replaced."""
    body = ref("main")
    signed = b"3ea1.1700000000." + body
    right = base64.b64encode(hmac.digest(b"k" * 32, signed, "sha256")).decode()
    headers = {
        "x-gitlab-event": "Push Hook",
        "webhook-id": "3ea1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": f"v1,{base64.b64encode(b'x' * 32).decode()} v1,{right}",
    }
    assert judge(headers, body, TOKEN, "main") is Delivery.PUSH
    assert judge(headers | {"webhook-id": "4"}, body, TOKEN, "main") is Delivery.FORGED
    assert judge(headers, body, SECRET, "main") is Delivery.FORGED


def test_a_form_of_github() -> None:
    """Its other content type has the payload in a field."""
    body = urlencode({"payload": ref("main").decode()}).encode()
    headers = github(body) | {"content-type": "application/x-www-form-urlencoded"}
    assert judge(headers, body, SECRET, "main") is Delivery.PUSH


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b"\xff", b'{"ref": 5}', b'{"ref": "refs/tags/main"}',
        b'{"push": []}', b'{"push": {"changes": [null, 1, {"new": 5, "ref": []}]}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_payload_of_another_kind_is_ignored(body: bytes) -> None:
    """A holder of the secret may still send anything."""
    assert judge(gitea(body), body, SECRET, "main") is Delivery.IGNORED


def test_a_signature_of_another_kind_is_refused() -> None:
    """SHA-1 alone, text beyond ASCII, and an empty value."""
    body = ref("main")
    sha1 = hmac.digest(SECRET.encode(), body, "sha1").hex()
    for value in (f"sha1={sha1}", "sha256=é", "", "sha256=", f"sha1={signature(body)}"):
        headers = {"x-event-key": "repo:push", "x-hub-signature": value}
        assert judge(headers, body, SECRET, "main") is Delivery.FORGED
