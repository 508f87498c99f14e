"""Errors of object storage, in the words that an operator needs."""

import pytest

from syndicator.outputs.bucket_errors import explain


def answer(status: int, code: str, message: str = "Said so") -> str:
    """An error of obstore, as it was seen with 0.12."""
    return (
        "Generic S3 error: Error performing PUT https://s3.example/b/feeds/all.rss in 5.2ms - "
        f"Server returned non-2xx status code: {status} Whatever: <?xml version='1.0'?>\n"
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>\n\nDebug source:\n…"
    )


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (answer(404, "NoSuchBucket"), "answered 404 NoSuchBucket: Said so", "output.url"),
        (answer(400, "AuthorizationHeaderMalformed"), "400 Authorization", "output.region"),
        ("Received redirect without LOCATION, this…", "is in another region", "output.region"),
        (answer(403, "AccessDenied"), "403 AccessDenied", "s3:PutObject"),
        (answer(403, "InvalidAccessKeyId"), "403 InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        (answer(403, "SignatureDoesNotMatch"), "403 Signature", "AWS_SECRET_ACCESS_KEY"),
        (answer(403, "RequestTimeTooSkewed"), "403 RequestTimeTooSkewed", "NTP"),
        (answer(507, "XMinioStorageFull"), "507 XMinioStorageFull", "quota"),
        (answer(501, "NotImplemented"), "501 NotImplemented", "conditional writes"),
        (answer(503, "SlowDown"), "503 SlowDown", "next run"),
        ("HTTP error: error sending request … Connection refused", "was refused", "next run"),
        ("HTTP error: … kind: Timeout, source: TimedOut", "no answer in time", "next run"),
        ("HTTP error: error sending request", "s3://b/feeds can't be reached", "next run"),
        ("HTTP error: … InvalidCertificate(UnknownIssuer)", "is not trusted", "output.endpoint"),
        ("HTTP error: … InvalidMessage(InvalidContentType)", "not speak TLS", "output.endpoint"),
        ("Generic S3 error: Missing SecretAccessKey", "half of the", "AWS_SECRET_ACCESS_KEY"),
        (answer(404, "NoSuchKey"), "404 NoSuchKey", "output.endpoint"),
        (
            "Error performing PUT http://169.254.169.254/latest/api/token in 1.9ms",
            "no credentials found in the environment",
            "AWS_ACCESS_KEY_ID",
        ),
        (answer(500, "Odd", "\x1b[2Jred" + "x" * 5000), "500 Odd:  [2Jred", "next run"),
    ],
)
def test_an_error_names_its_cause_and_who_can_act(error: str, message: str, hint: str) -> None:
    """The message is one line, and bounded: the server is not to be trusted with a terminal."""
    found = explain(error, "s3://b/feeds")
    assert found.message.startswith("s3://b/feeds")
    assert message in found.message
    assert hint in found.hint
    assert found.message.isprintable()
    assert len(found.message) < 400
