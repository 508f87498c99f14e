"""What an error of object storage means, and who can do what about it.

The codes are those of S3 and of the servers that speak its protocol:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import re
from typing import NamedTuple

from syndicator.errors import OutputError

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})")

AGAIN = "published feeds stay as they are; the next run tries again"
_CREDENTIALS = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
_REGION = "set output.region, or AWS_REGION, to the region of the bucket"
_NAME = "check output.url and output.endpoint, or create the bucket"
_RIGHTS = (
    "allow this key s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and "
    "s3:DeleteObject on the objects below the prefix"
)
_CLOCK = "synchronise the clock of this machine from the network (NTP)"
_ROOM = "raise the quota or free some space; published feeds stay as they are"
_CONDITIONS = "use storage with conditional writes, such as S3, R2, MinIO or a recent Ceph"

_HINTS = {
    "NoSuchBucket": _NAME,
    "NoSuchKey": _NAME,  # of a listing: the endpoint has a path
    "InvalidBucketName": _NAME,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "QuotaExceeded": _ROOM,
    "XMinioStorageFull": _ROOM,
    "XMinioAdminBucketQuotaExceeded": _ROOM,
    "NotImplemented": _CONDITIONS,
}

_STATUS_HINTS = {
    "301": _REGION,
    "401": _CREDENTIALS,
    "403": _RIGHTS,
    "501": _CONDITIONS,
    "507": _ROOM,
}

#: Why no response came, by the words of reqwest and hyper for it.
_CAUSES = {
    "Connection refused": "the connection was refused",
    "dns error": "its host name is not known",
    "InvalidCertificate": "its certificate is not trusted",
    "InvalidContentType": "it does not speak TLS: the endpoint begins with http:// perhaps",
    "TimedOut": "no answer in time",
    "timed out": "no answer in time",
}


class Explanation(NamedTuple):
    """A line about an error, and a hint."""

    message: str
    hint: str


def conditions_ignored(place: str) -> OutputError:
    """The error of storage that does not compare ETags."""
    message = f"{place} ignores If-Match: two builders could overwrite each other's feeds"
    return OutputError(message, hint=_CONDITIONS)


def is_conflict(error: str) -> bool:
    """Whether a conditional request was refused because another one is under way."""
    return "status code: 409" in error


def is_missing_bucket(error: str) -> bool:
    """Whether not only an object is missing, but its bucket."""
    return "NoSuchBucket" in error


def is_beyond_end(error: str) -> bool:
    """Whether an object ends before the part that was asked for."""
    return "status code: 416" in error


def explain(error: str, place: str) -> Explanation:
    """`error`: the text of the client's error, with the response. `place`: the output."""
    if "169.254.169.254" in error or "169.254.170" in error:
        hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; profiles in ~/.aws are not read"
        return Explanation(f"{place}: no credentials found in the environment", hint)
    if "Missing SecretAccessKey" in error or "Missing AccessKeyId" in error:
        return Explanation(f"{place}: half of the credentials are missing", _CREDENTIALS)
    if "redirect without LOCATION" in error:
        return Explanation(f"{place} is in another region", _REGION)
    status = _first(_STATUS, error)
    if not status:
        cause = next((words for sign, words in _CAUSES.items() if sign in error), "")
        hint = f"check output.endpoint and the network; {AGAIN}"
        return Explanation(f"{place} can't be reached{': ' if cause else ''}{cause}", hint)
    code = _first(_CODE, error)
    said = f": {message}" if (message := _first(_MESSAGE, error)) else ""
    answer = " ".join(filter(None, (status, code)))
    hint = _HINTS.get(code) or _STATUS_HINTS.get(status, AGAIN)
    return Explanation(_printable(f"{place} answered {answer}{said}"), hint)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
