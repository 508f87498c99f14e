"""The config: values, defaults, the environment, and mistakes."""

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from syndicator import config
from syndicator.errors import ConfigError
from syndicator.listen import UnixSocket


@pytest.fixture
def write(tmp_path):
    """Write a config file, and return its path."""

    def write(text: str, name: str = "config/syndicator.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def mistakes(write):
    """The mistakes in a config file and an environment."""

    def mistakes(text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            config.load(write(text), environ or {})
        return caught.value.mistakes

    return mistakes


SOURCE = '[source]\npath = "../site"\n'


def test_a_unix_socket_is_an_address(write):
    """Its path is absolute: the proxy's config has the same."""
    loaded = config.load(write(SOURCE + '[web]\nlisten = "unix:/run/../run/x/web.sock"'), {})
    assert (loaded.web.listen, str(loaded.web.listen)) == (
        UnixSocket("/run/x/web.sock"),
        "unix:/run/x/web.sock",
    )


def test_every_other_setting_has_a_default(write, tmp_path):
    """Only `source.path` is required. Relative paths start at the file's folder."""
    loaded = config.load(write(SOURCE), {})
    assert tmp_path / "site" == loaded.source.path
    assert tmp_path / "feeds" == loaded.output.path
    assert f"sqlite:///{tmp_path}/var/syndicator.db" == loaded.state.url
    assert (loaded.feeds.url, loaded.web.listen) == ("http://127.0.0.1:8080/", ("127.0.0.1", 8080))
    assert (timedelta(seconds=30), 2**20) == (loaded.source.poll, loaded.feeds.max_bytes)
    assert (loaded.feeds.by, loaded.feeds.limit, loaded.feeds.content) == (None, None, None)


def test_values_are_plain_and_frozen(write):
    """Values are parsed: durations are timedeltas, sizes bytes, networks network objects."""
    text = SOURCE + (
        'poll = "1.5m"\n[feeds]\nmax_bytes = "64 KiB"\nurl = "https://example.org/feeds"\n'
        'aliases = { "feed.xml" = "all.atom" }\n'
        '[push]\nretry = ["500ms", "2h"]\npace = "0s"\n[hub]\nallow_private = ["127.0.0.2/32"]\n'
    )
    loaded = config.load(write(text), {})
    assert (timedelta(seconds=90), 65536) == (loaded.source.poll, loaded.feeds.max_bytes)
    assert (timedelta(milliseconds=500), timedelta(hours=2)) == loaded.push.retry
    assert loaded.push.pace == timedelta()
    assert (ip_network("127.0.0.2/32"),) == loaded.hub.allow_private
    assert loaded.feeds.aliases == (("feed.xml", "all.atom"),)
    with pytest.raises(AttributeError, match="immutable"):
        loaded.feeds.url = "x"


@pytest.mark.parametrize(
    ("text", "group"), [("", None), ('group = ""', None), ('group = "root"', 0), ('group = "7"', 7)]
)
def test_the_group_of_the_state(write, text, group):
    """A group of this machine, by its name or number. Empty: none."""
    assert config.load(write(f"{SOURCE}[state]\n{text}\n"), {}).state.group == group


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('group = "no-such-group"', '"no-such-group" is not a group of this machine'),
        ("group = 0", "0 is not a group of this machine"),
        (f'group = "{2**32 - 1}"', '"4294967295" is not a group of this machine'),
        (f'group = "{10**20}"', '"100000000000000000000" is not a group of this machine'),
        ('group = "root"\nurl = "postgresql+psycopg://x/y"', "only the files of SQLite"),
    ],
)
def test_a_group_that_can_not_read_the_state(mistakes, text, mistake):
    """It is unknown here, or the state has no files."""
    (line,) = mistakes(f"{SOURCE}[state]\n{text}\n")
    assert line.startswith("state.group: ")
    assert mistake in line


def test_a_slash_is_added_to_the_feeds_url(write):
    """A missing slash at the end of `feeds.url` is added."""
    loaded = config.load(write(SOURCE + '[feeds]\nurl = "https://example.org/feeds"\n'), {})
    assert loaded.feeds.url == "https://example.org/feeds/"


def test_urls_are_normalized(write):
    """Hosts become IDNA and paths percent-encoded, as in headers and feeds."""
    for url in ("http://ä.example/ö", "HTTP://XN--4CA.example/%c3%b6/"):
        loaded = config.load(write(SOURCE + f'[feeds]\nurl = "{url}"\n'), {})
        assert loaded.feeds.url == "http://xn--4ca.example/%C3%B6/"


@pytest.mark.parametrize(
    ("hub", "hubs"),
    [
        ("enabled = true", ("https://e.org/f/hub", "https://hub.example/")),
        ("enabled = false", ("https://hub.example/",)),
        ('url = "https://hub.example/"', ("https://hub.example/",)),
        ('url = "https://mine.example/h"', ("https://mine.example/h", "https://hub.example/")),
    ],
)
def test_our_own_hub_comes_first(write, hub, hubs):
    """Feeds name our own hub first unless it is off, and no hub twice."""
    text = (
        f'{SOURCE}[feeds]\nurl = "https://e.org/f/"\n'
        f'[push]\nhubs = ["https://hub.example/"]\n[hub]\n{hub}\n'
    )
    assert hubs == config.load(write(text), {}).hubs


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "source: path or git must be set"),
        ("[source]", "source: path or git must be set"),
        (SOURCE + "poll = 30", "source.poll: 30 is not a duration: write a number with a unit"),
        (SOURCE + 'poll = "30"', 'source.poll: "30" is not a duration'),
        (SOURCE + 'poll = "0s"', 'source.poll: "0s" must be more than zero'),
        (SOURCE + 'poll = "1ms"', "source.poll: must be 50ms or more"),
        (SOURCE + '[log]\nlevel = "loud"', 'log.level: "loud" must be "debug", "info", "warning"'),
        (SOURCE + '[log]\nformat = "xml"', 'log.format: "xml" must be "auto", "console" or "json"'),
        (
            SOURCE + f"[push]\nretry = {['1s'] * 101}",
            "push.retry: must have at most 100 values",
        ),
        (SOURCE + "[push]\npace = 5", "push.pace: 5 is not a duration"),
        (SOURCE + '[push]\npace = "11000d"', 'push.pace: "11000d" must be at most ten years'),
        (SOURCE + '[push]\npace = "0.00000001ms"', 'push.pace: "0.00000001ms" is too short'),
        (SOURCE + '[push]\ntimeout = "0.00000001ms"', 'push.timeout: "0.00000001ms" is too short'),
        (SOURCE + f'[push]\npace = "0.{"0" * 400}1s"', 'push.pace: "0.000'),
        (SOURCE + '[web]\nmax_age = "500ms"', 'web.max_age: "500ms" must be 1s or more'),
        (SOURCE + '[hub.lease]\nmin = "500ms"', 'hub.lease.min: "500ms" must be 1s or more'),
        (SOURCE + 'poll = "30 parsecs"', 'source.poll: "30 parsecs" is not a duration'),
        (SOURCE + 'watch = "yes"', "source.watch: must be true or false"),
        (
            SOURCE + "wach = true",
            "source.wach: unknown setting; did you mean source.watch?",
        ),
        (SOURCE + "[feeds]\nmax_bytes = 100", "feeds.max_bytes: 100 is not a size"),
        (SOURCE + '[feeds]\nmax_bytes = "3B"', 'feeds.max_bytes: "3B" is too small'),
        (SOURCE + f'[feeds]\nmax_bytes = "{"9" * 400}GiB"', 'feeds.max_bytes: "999'),
        (
            SOURCE + '[feeds]\nmax_bytes = "2000000GiB"',
            'feeds.max_bytes: "2000000GiB" is too large',
        ),
        (SOURCE + f"[feeds]\nlimit = {2**63}", "feeds.limit: must be 2147483647 or less"),
        (SOURCE + f"[log]\nlevel = 0x{'f' * 6000}", "log.level: a huge number must be"),
        (SOURCE + f"poll = {'9' * 4000}", "source.poll: a huge number is not a duration"),
        (
            SOURCE + '[output]\nurl = "s3://key:secret@bucket"',
            'output.url: "s3://…@bucket" is not a bucket',
        ),
        (
            SOURCE + '[output]\npath = "~no such user/x"',
            'output.path: "~no such user/x" is the home of an unknown user',
        ),
        (SOURCE + f'[output]\npath = "{"x" * 300}"', 'output.path: "xxx'),
        (SOURCE + f'[state]\nurl = "sqlite:///{"x/" * 3000}s.db"', 'state.url: "x/x/'),
        (SOURCE + '[feeds]\nlimit = "50"', "feeds.limit: must be a whole number"),
        (SOURCE + "[feeds]\nlimit = 0", "feeds.limit: must be 1 or more"),
        (SOURCE + "[feeds]\nlimit = true", "feeds.limit: must be a whole number"),
        (
            SOURCE + '[feeds]\nformats = ["rdf"]',
            'feeds.formats[0]: "rdf" must be "rss", "atom" or "json"',
        ),
        (SOURCE + "[feeds]\nformats = []", "feeds.formats: must contain at least one value"),
        (SOURCE + '[feeds]\nformats = ["rss", "rss"]', "feeds.formats: contains a value twice"),
        (SOURCE + '[feeds]\nby = "tag"', 'feeds.by: must be a list, such as ["…"]'),
        (SOURCE + '[feeds]\nurl = "example.org"', 'feeds.url: "example.org" is not a URL'),
        (
            SOURCE + '[feeds]\nurl = "https://e.org/?x"',
            'feeds.url: "https://e.org/?x" must be the URL of a folder',
        ),
        (
            SOURCE + '[feeds.aliases]\n"../x" = "all.atom"',
            'feeds.aliases: "../x" must be a path below the output',
        ),
        (
            SOURCE + '[feeds.aliases]\n"x" = "/etc/passwd"',
            'feeds.aliases: "/etc/passwd" must be a path below',
        ),
        (SOURCE + '[feeds.aliases]\n"x" = "all.html"', 'feeds.aliases: "x" must lead to a feed'),
        (
            SOURCE + '[feeds.aliases]\n"all.rss" = "all.atom"',
            'feeds.aliases: "all.rss" can\'t be an alias: another',
        ),
        (
            SOURCE + '[feeds.aliases]\n"hub" = "all.atom"',
            'feeds.aliases: "hub" can\'t be an alias: another',
        ),
        (
            SOURCE + '[feeds.aliases]\n"category" = "all.atom"',
            'feeds.aliases: "category" can\'t be an alias: another',
        ),
        (
            SOURCE + '[feeds.aliases]\n"index.html" = "all.rss"',
            'feeds.aliases: "index.html" can\'t be an alias',
        ),
        (
            SOURCE + '[feeds.aliases]\n"x.br" = "all.rss"',
            'feeds.aliases: "x.br" can\'t be an alias: another file',
        ),
        (
            SOURCE + '[feeds.aliases]\nx = "all.rss"\n"x/y" = "all.rss"',
            'feeds.aliases: "x/y" can\'t be an alias',
        ),
        (SOURCE + f'[feeds.aliases]\n{"x" * 300} = "all.rss"', 'feeds.aliases: "xxx'),
        (
            SOURCE + '[feeds.aliases]\n"a\\nb" = "all.rss"',
            'feeds.aliases: "a\\nb" can\'t be an alias: it is not a valid',
        ),
        (SOURCE + '[feeds.moved]\n"x" = "all.html"', 'feeds.moved: "x" must lead to a feed'),
        (
            SOURCE + '[feeds]\nplayers = ["x.org/a/../b"]',
            'feeds.players[0]: "x.org/a/../b" is not a player',
        ),
        (
            SOURCE + '[feeds]\nplayers = ["https://x.org"]',
            'feeds.players[0]: "https://x.org" is not a host',
        ),
        (
            SOURCE + '[feeds]\nschemes = ["javascript"]',
            'feeds.schemes[0]: "javascript" is not allowed',
        ),
        (
            SOURCE + '[push]\nhubs = ["gopher://x/"]',
            'push.hubs[0]: "gopher://x/" is not a URL',
        ),
        (
            SOURCE + '[push]\nhubs = ["http://x:99999/"]',
            'push.hubs[0]: "http://x:99999/" is not a URL',
        ),
        (
            SOURCE + '[hub]\nlease = { min = "9h", max = "1h" }',
            "hub.lease: min, default and max must be in ascending order",
        ),
        (
            SOURCE + '[hub]\nallow_private = ["10.0.0.1/8"]',
            'hub.allow_private[0]: "10.0.0.1/8" is not a network',
        ),
        (
            SOURCE + '[hub]\nallow_private = ["fd00::/8", "64:ff9b::/96"]',
            'hub.allow_private[1]: "64:ff9b::/96" has IPv4 addresses in it',
        ),
        (SOURCE + "[hub]\nlimits = 3", "hub.limits: must be a table of settings"),
        (SOURCE + '[web]\nlisten = "8080"', 'web.listen: "8080" is not a host and a port'),
        (SOURCE + "[web]\nadmin = true", "web.admin: true is not a host and a port"),
        (SOURCE + "[web]\nadmin = [1]", "web.admin: a list is not a host and a port"),
        (
            SOURCE + '[web]\nadmin = "8081"',
            'web.admin: "8081" is not a host and a port: write it like "127.0.0.1:8081", or ""',
        ),
        (SOURCE + '[web]\nlisten = "unix:x"', 'web.listen: "unix:x" is not an absolute path'),
        (SOURCE + '[web]\nadmin = "unix:/x/"', 'web.admin: "unix:/x/" is not an absolute path'),
        (SOURCE + f'[web]\nlisten = "unix:/{"x" * 107}"', 'web.listen: "unix:/xxxxx'),
        (SOURCE + '[web]\nlisten = "h:70000"', 'web.listen: "h:70000" has a port above 65535'),
        (SOURCE + '[state]\nurl = "mysql://u:pw@h/d"', "state.url: is not a database"),
        (SOURCE + '[state]\nurl = "postgresql+psycopg://:::"', "state.url: is not a database"),
        (
            SOURCE + '[state]\nurl = "postgresql+psycopg://u:p@w@h/d"',
            'state.url: has an "@" in its password',
        ),
        (
            SOURCE + '[state]\nurl = "postgresql+psycopg://u:p#/w@h:port/d"',
            "state.url: is not a database",
        ),
        *(
            (
                SOURCE + f'[state]\nurl = "postgresql+psycopg://u:p{wrong}@h/d"',
                "state.url: has a control character: remove it",
            )
            for wrong in ("\\u0000", "\\n", "\\u001b", "\\u007f", "%00")
        ),
        (SOURCE + '[state]\nurl = "sqlite:///a?b.db"', "state.url: leads to /"),
        (SOURCE + '[state]\nurl = "sqlite:///%2e/s.db"', "state.url: leads to /"),
        (
            SOURCE + '[output]\npath = "out"\n[state]\nurl = "sqlite:///out/s.db"',
            "state: url must be outside the output folder",
        ),
        (
            SOURCE + '[feeds]\nurl = "https://me:hunter2@e.org/"',
            "feeds.url: must be a URL without a user name",
        ),
        (
            SOURCE + '[push]\nhubs = ["https://me@e.org/"]',
            "push.hubs[0]: must be a URL without a user name",
        ),
        (
            SOURCE + '[feeds.moved]\n"all.rss" = "all.rss"',
            'feeds.moved: "all.rss" leads to "all.rss", which has moved too',
        ),
        (
            SOURCE + '[feeds.moved]\n"a" = "b.rss"\n"b.rss" = "c.rss"',
            'feeds.moved: "a" leads to "b.rss", which has moved too',
        ),
        (SOURCE + '[feeds.moved]\nhub = "all.rss"', 'feeds.moved: "hub" can\'t have moved'),
        (SOURCE + '[web]\nlisten = "a..b:80"', 'web.listen: "a..b" is not a valid host name'),
        (SOURCE + '[output]\npath = "../site/."', "output: path must be a separate folder"),
        (
            SOURCE + '[output]\npath = "../site/news/_posts/feeds"',
            "output: path must be a separate folder",
        ),
        (
            SOURCE + '[site]\ntimezone = "Mars/Phobos"',
            'site.timezone: "Mars/Phobos" is not a time zone',
        ),
        (
            SOURCE + '[site]\nlanguage = "plain English"',
            'site.language: "plain English" is not a language',
        ),
        (
            SOURCE + '[site]\ntimezone = "\\u001b[31m"',
            'site.timezone: "\\u001b[31m" is not a time zone',
        ),
        (SOURCE + "[site]\ntitle = 1984", "site.title: must be text in quotes"),
        (SOURCE + "[pusg]\nhubs = []", "pusg: unknown setting; did you mean push?"),
        ("limit = 5\n" + SOURCE, "limit: unknown setting; did you mean feeds.limit?"),
        ("xyzzy = 5\n" + SOURCE, "xyzzy: unknown setting"),
        (SOURCE + '"\\u001b[31m" = 5', r'source."\u001b[31m": unknown setting'),
        (SOURCE + f"[{'x' * 900}]", f'"{"x" * 80}…": unknown setting'),
    ],
)
def test_a_mistake_names_its_key_and_the_remedy(mistakes, text, mistake):
    """A mistake is one line: the dotted key, what is wrong, and what to write."""
    (line,) = mistakes(text)
    assert line.startswith(mistake)


def test_all_mistakes_are_listed(mistakes):
    """Four mistakes in four tables are four lines."""
    text = (
        '[source]\npath = "x"\npoll = 30\n[feeds]\nformat = ["rss"]\n'
        '[hub]\nenabled = 1\n[state]\nurl = ""\n'
    )
    assert [line.split(":")[0] for line in mistakes(text)] == [
        "source.poll",
        "feeds.format",
        "hub.enabled",
        "state.url",
    ]


def test_mistakes_contain_no_words_of_a_library(mistakes):
    """Mistakes are understood without knowing Python or its libraries."""
    for line in mistakes(
        "[source]\npath = 5\nx = 1\npoll = []\n[feeds]\nby = 3\naliases = 1\n[push]\nhubs = 1\n"
    ):
        assert not any(
            word in line.lower()
            for word in ("expected `", "validat", "input", "value error", "extra")
        )


def test_a_password_is_not_repeated(mistakes):
    """A mistake in `state.url` does not show the value, which may contain a password."""
    (line,) = mistakes(SOURCE + '[state]\nurl = "postgres://me:hunter2@db/x"')
    assert "hunter2" not in line


def test_the_environment_overrides_the_file(write):
    """A variable holds text as it is, other values as JSON, and lists also with commas."""
    environ = {
        "SYNDICATOR_PUSH__HUBS": "https://a.example/, https://b.example/",
        "SYNDICATOR_FEEDS__FORMATS": '["atom"]',
        "SYNDICATOR_FEEDS__LIMIT": "7",
        "SYNDICATOR_FEEDS__ALIASES": '{"feed.xml": "all.atom"}',
        "SYNDICATOR_SOURCE__WATCH": "false",
        "SYNDICATOR_SITE__TITLE": "1984",
        "SYNDICATOR_HUB__LEASE__MIN": "1m",
        "SYNDICATOR_HUB__LIMITS": '{"client": 5}',
        "SYNDICATOR_LOG__LEVEL": "WARNING",
        "SYNDICATOR_PORT": "tcp://10.0.0.1:80",
    }
    loaded = config.load(
        write(SOURCE + '[feeds]\nlimit = 3\n[push]\nhubs = ["https://c.example/"]'), environ
    )
    assert loaded.push.hubs == ("https://a.example/", "https://b.example/")
    assert loaded.log.level == "warning"
    assert type(loaded.site.title) is str
    assert (
        loaded.feeds.formats,
        loaded.feeds.limit,
        loaded.feeds.aliases,
    ) == (("atom",), 7, (("feed.xml", "all.atom"),))
    assert (False, "1984", timedelta(minutes=1), 5) == (
        loaded.source.watch,
        loaded.site.title,
        loaded.hub.lease.min,
        loaded.hub.limits.client,
    )


def test_a_mistake_in_the_environment_names_the_variable(mistakes):
    """The variable is named beside the key. A misspelt variable is a mistake too."""
    environ = {"SYNDICATOR_FEEDS__LIMIT": "many", "SYNDICATOR_PUHS__HUBS": "x"}
    assert mistakes(SOURCE, environ) == (
        "feeds.limit (SYNDICATOR_FEEDS__LIMIT): must be a whole number",
        "puhs (SYNDICATOR_PUHS__HUBS): unknown setting; did you mean push?",
    )


def test_a_folder_that_is_not_utf_8(tmp_path):
    """Neither the state nor a report in JSON could name what is in it."""
    path = tmp_path / "\udcff/config/c.toml"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    for key, line in zip(
        ("source.path", "output.path", "state.url"), caught.value.mistakes, strict=True
    ):
        assert line.startswith(f'{key}: leads to "')
        assert "not UTF-8: rename" in line


def test_half_a_surrogate_pair_is_no_json(mistakes):
    """JSON can name it, but no file or feed can have it."""
    environ = {
        "SYNDICATOR_FEEDS__ALIASES": r'{"\udc00": "all.atom"}',
        "SYNDICATOR_FEEDS__MOVED": r'{"a.rss": "\ud800.rss"}',
    }
    for key, line in zip(("aliases", "moved"), mistakes(SOURCE, environ), strict=True):
        assert line.startswith(f"feeds.{key} (SYNDICATOR_FEEDS__{key.upper()}): must be a table")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_files_of_other_systems(tmp_path, end):
    """A byte order mark, and lines that end as on Windows."""
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SOURCE.replace("\n", end).encode())
    assert config.load(path, {}).source.path == tmp_path.parent / "site"


def test_the_environment_is_enough(tmp_path, monkeypatch):
    """Without a file, relative paths start at the current directory."""
    monkeypatch.chdir(tmp_path)
    assert tmp_path / "site" == config.load(None, {"SYNDICATOR_SOURCE__PATH": "site"}).source.path


def test_where_the_config_file_is_searched(write, tmp_path, monkeypatch):
    """--config, else $SYNDICATOR_CONFIG, else config/syndicator.toml, else syndicator.toml."""
    monkeypatch.chdir(tmp_path)
    named = {"SYNDICATOR_CONFIG": "other.toml"}
    assert None is config.find(None, {})
    write(SOURCE, "syndicator.toml")
    assert Path("syndicator.toml") == config.find(None, {})
    write(SOURCE)
    assert Path("config/syndicator.toml") == config.find(None, {})
    assert Path("other.toml") == config.find(None, named)
    assert Path("mine.toml") == config.find(Path("mine.toml"), named)


def test_without_a_config_the_hint_names_init(tmp_path, monkeypatch):
    """The first error on a new machine names the next step."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no config found") as caught:
        config.load(None, {})
    assert "syndicator init" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[source]\npath = x", r"c.toml:2: path: not valid TOML: invalid value \(column 8\)"),
        (b"[source]\npath = '\xff'", ":2: not UTF-8 at byte 17"),
        (b"#" * 9_000 + b"\r\n\r\nx = '\xff'", ":3: not UTF-8 at byte 9009"),
        (b"[feeds]\nlimit = " + b"9" * 5_000, ":2: a number is too long"),
        (b"#" * 2**20 + b"\n", "larger than 1,048,576 bytes"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (None, "can't be read: No such file"),
    ],
)
def test_an_unreadable_file_is_one_error(tmp_path, data, message):
    """A file that can't be read as TOML is one error with a hint, and no traceback."""
    path = tmp_path / "c.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(path, {})
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2\n", ":2: a: not valid TOML: the key is set twice"),
        ("[hub]\n[hub]\n", ":2: not valid TOML: the table appears twice"),
        ('a = "x\nb = 1\n', ":1: a: not valid TOML: a quote is not closed"),
        ("a = 'x", ":1: a: not valid TOML: a quote is not closed (end of the file)"),
        ('a = "C:\\x"\n', ":1: a: not valid TOML: a backslash in double quotes"),
        ("poll = 30s\n", ":1: poll: not valid TOML: unexpected text after the value"),
        ("a b = 1\n", ':1: not valid TOML: no "=" after the key'),
        ("a = [1 2]\n", ":1: a: not valid TOML: the list is not closed"),
        ("\n=1\n", ":2: not valid TOML: invalid statement (column 1)"),
    ],
)
def test_a_toml_error_names_the_line_and_the_key(write, text, message):
    """The line and the key come first. The value is not repeated."""
    with pytest.raises(ConfigError) as caught:
        config.load(write(text, "c.toml"), {})
    assert message in str(caught.value)
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_file_without_read_access(write):
    """The hint asks for read access, not for another file."""
    path = write(SOURCE)
    path.chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match="Permission denied") as caught:
            config.load(path, {})
    finally:
        os.seteuid(0)
    assert caught.value.hint == "give this user read access"


def test_a_fifo_is_not_a_config(tmp_path):
    """It is refused without waiting for a writer: a reload would block the daemon."""
    os.mkfifo(tmp_path / "c.toml")
    with pytest.raises(ConfigError, match="not a file"):
        config.load(tmp_path / "c.toml", {})


def test_keys_lists_every_setting():
    """`keys` lists each setting once, with dots."""
    keys = list(config.keys())
    assert len(set(keys)) == len(keys)
    assert {
        "site.url",
        "source.poll",
        "feeds.aliases",
        "hub.lease.min",
        "hub.limits.client",
    } <= set(keys)


def test_the_current_directory_is_the_one_that_was_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PWD names it through its links, unless it names another directory, as after a cd(2)."""
    for release in "12":
        (tmp_path / release / "config").mkdir(parents=True)
        (tmp_path / release / "config/x.toml").write_text('[source]\npath = "../site"\n')
    link = tmp_path / "current"
    link.symlink_to("1")
    monkeypatch.chdir(link)
    environ = {"SYNDICATOR_FEEDS__URL": "http://x/"}
    real = Path.cwd()
    for pwd, base in (
        (str(link), link),
        (str(real), real),
        (str(tmp_path / "2"), real),
        (str(tmp_path / "gone"), real),
        (f"{link}/../current", real),
        ("current", real),
        ("", real),
    ):
        assert config.working_directory({"PWD": pwd}) == base
        file = Path("config/x.toml")
        assert config.load(file, environ | {"PWD": pwd}).source.path == base / "site"
        without_file = environ | {"PWD": pwd, "SYNDICATOR_SOURCE__PATH": "site"}
        assert config.load(None, without_file).source.path == base / "site"
    absolute = real / "config/x.toml"
    assert config.load(absolute, environ | {"PWD": str(link)}).source.path == real / "site"
