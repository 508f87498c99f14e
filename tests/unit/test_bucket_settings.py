"""The settings of a bucket."""

from pathlib import Path

import pytest

from syndicator import config
from syndicator.errors import ConfigError

SOURCE = '[source]\npath = "site"\n'


def load(folder: Path, output: str, environ: dict[str, str] | None = None) -> config.Config:
    file = folder / "syndicator.toml"
    file.write_text(f"{SOURCE}[output]\n{output}\n")
    return config.load(file, environ or {})


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://feeds", "s3://feeds"),
        ("s3://my.feeds-1/", "s3://my.feeds-1"),
        ("s3://Old_Feeds/a/b c/", "s3://Old_Feeds/a/b c"),
    ],
)
def test_a_bucket_in_place_of_the_folder(tmp_path: Path, text: str, url: str) -> None:
    """The default folder is not used then."""
    output = load(tmp_path, f'url = "{text}"\nendpoint = "http://minio:9000"').output
    assert (output.path, output.url, output.place) == (None, url, url)


def test_a_bucket_from_the_environment(tmp_path: Path) -> None:
    """As any setting."""
    output = load(tmp_path, "", {"SYNDICATOR_OUTPUT__URL": "s3://feeds/x"}).output
    assert (output.path, output.url) == (None, "s3://feeds/x")


@pytest.mark.parametrize(
    ("output", "mistake"),
    [
        ('path = "feeds"\nurl = "s3://feeds"', "output: path and url are both set: remove one"),
        ('path = ""', "output: path or url must be set"),
        ('region = "eu-west-1"', "output: region is for output.url only, which is not set"),
        ('endpoint = "http://x:9000"', "output: endpoint is for output.url only"),
        *(
            (f'url = "{url}"', f'output.url: "{url}" is not a bucket: write it like "s3://bucket')
            for url in ("/srv/feeds", "s3://", "s3://a", "https://x/y", "s3://feeds/../x")
        ),
        *((f'url = "s3://feeds/{path}"', "is not a bucket") for path in ("a//b", "a?b", "%41")),
    ],
)
def test_mistakes(tmp_path: Path, output: str, mistake: str) -> None:
    """Each names its key and the remedy."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, output)
    assert any(mistake in each for each in caught.value.mistakes), caught.value.mistakes
