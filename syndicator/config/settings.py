"""Every setting, with its type and its default: one class for each table of the config."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from syndicator.config import values
from syndicator.config.addresses import Listen
from syndicator.config.tables import SettingsTable


class SiteOverrides(SettingsTable, frozen=True):
    """Settings that override the site's `_config.yml`. None: not overridden."""

    url: values.Url | None = None
    title: values.Text | None = None
    description: values.Text | None = None
    language: values.Language | None = None
    author: values.Text | None = None
    timezone: values.TimeZone | None = None


class SourceSettings(SettingsTable, frozen=True):
    """Where the site is: in a folder, or in a git repository."""

    path: values.OptionalFolder = None  #: None: it is in `git`
    git: values.GitAddress = None  #: None: it is in `path`
    branch: values.Branch = None  #: None: the remote's default
    folder: values.RepositoryFolder = ""
    clone: values.OptionalFolder = None  #: None: beside the state's file
    git_dates: values.Flag = False
    git_timeout: values.Duration = timedelta(minutes=5)
    git_max_bytes: values.Size = 2**31
    hook_secret: values.Secret = None  #: None: there are no webhooks
    theme: values.OptionalFolder = None  #: None: the includes of the site's theme are not read
    poll: values.Interval = timedelta(seconds=30)
    watch: values.Flag = True

    def check(self) -> None:
        if self.path is None and self.git is None:
            raise ValueError("path or git must be set")
        if self.path is not None and self.git is not None:
            raise ValueError("path and git are both set: remove one of them")
        only_git = ("branch", "clone", "folder", "git_dates", "hook_secret")
        unused = next((name for name in only_git if getattr(self, name)), None)
        if self.git is None and unused:
            raise ValueError(f"{unused} is for source.git only, which is not set")


class FeedSettings(SettingsTable, frozen=True):
    """Feeds and their files.

    `by`, `limit` and `content` None: jekyll-feed's settings in `_config.yml`, else by category, 50
    entries and full content.
    """

    url: values.FolderUrl = "http://127.0.0.1:8080/"
    formats: values.Formats = ("rss", "atom", "json")
    by: values.Kinds | None = None
    limit: values.Positive | None = None
    max_bytes: values.Size = 2**20
    content: Literal["full", "excerpt"] | None = None
    archive: values.Flag = False  #: whether entries beyond the limit stand in an archive
    lead_image: Literal["media", "content"] = "media"
    when: Literal["saved", "live"] = "saved"  #: when a new post goes out
    #: These three for "live".
    when_patience: values.Duration = timedelta(hours=1)
    when_late: Literal["publish", "hold"] = "publish"
    when_text: values.Text = ""
    aliases: values.Aliases = ()
    moved: values.Moved = ()
    players: values.Players = ()
    schemes: values.Schemes = ()


class OutputSettings(SettingsTable, frozen=True):
    """Where files are published: in a folder, or in a bucket."""

    path: values.OptionalFolder = None  #: None: `url`. Default: "../feeds", if `url` is not set
    url: values.BucketUrl = None  #: None: `path`
    #: These two for a bucket. None and "": as in the environment of AWS's own tools.
    endpoint: values.Url | None = None
    region: values.Text = ""
    compress: values.Encodings = ("gzip", "br")

    @classmethod
    def complete(cls, settings: Mapping[str, object]) -> Mapping[str, object]:
        return settings if settings.get("url") else {"path": "../feeds", **settings}

    def check(self) -> None:
        if self.path is None and self.url is None:
            raise ValueError("path or url must be set")
        if self.path is not None and self.url is not None:
            raise ValueError("path and url are both set: remove one of them")
        if self.url is None and (self.endpoint or self.region):
            unused = "endpoint" if self.endpoint else "region"
            raise ValueError(f"{unused} is for output.url only, which is not set")

    @property
    def place(self) -> str:
        """The folder or the bucket, for people."""
        return self.url or str(self.path)


class PushSettings(SettingsTable, frozen=True):
    hubs: values.Urls = ()
    timeout: values.Duration = timedelta(seconds=10)
    retry: values.RetryDelays = values.durations("5s", "30s", "2m", "10m", "1h", "6h", "24h")
    pace: values.Pace = timedelta(seconds=5)  #: zero: each change is sent at once


class LeaseSettings(SettingsTable, frozen=True):
    min: values.Seconds = timedelta(minutes=5)
    default: values.Seconds = timedelta(days=10)
    max: values.Seconds = timedelta(days=30)

    def check(self) -> None:
        if not self.min <= self.default <= self.max:
            raise ValueError("min, default and max must be in ascending order")


class HubLimitSettings(SettingsTable, frozen=True):
    """Limits on requests to the hub, which anyone may send.

    The defaults let one reader subscribe to 300 feeds in a burst.
    """

    client: values.Positive = 600  #: subscription requests a minute from one client address
    host: values.Positive = 600  #: subscription requests a minute for one callback host
    pending: values.Positive = 10_000  #: verifications that are queued
    subscriptions: values.Positive = 100_000  #: in total
    host_subscriptions: values.Positive = 5_000  #: of one callback host or network


class HubSettings(SettingsTable, frozen=True):
    enabled: values.Flag = True
    url: values.Url | None = None  #: None: feeds.url + "hub"
    lease: LeaseSettings = LeaseSettings()
    #: What is sent of a topic that changed: all of it, or the entries that are new or changed
    payload: Literal["full", "changes"] = "full"
    timeout: values.Duration = timedelta(seconds=10)
    retry: values.RetryDelays = values.durations("5s", "30s", "2m", "10m", "1h", "6h")
    allow_private: values.PrivateNetworks = ()
    limits: HubLimitSettings = HubLimitSettings()


class WebSettings(SettingsTable, frozen=True):
    listen: values.ListenAddress = Listen("127.0.0.1", 8080)
    admin: values.OptionalListenAddress = Listen("127.0.0.1", 8081)  #: None: off
    admin_hosts: values.HostNames = ()  #: names that `admin` answers to, besides this machine's own
    max_age: values.Seconds = timedelta(minutes=5)
    trusted_proxies: values.Networks = ()
    poller_limit: values.Number = 0  #: full responses an hour for a feed a client has; 0: no limit


class LogSettings(SettingsTable, frozen=True):
    level: values.LogLevel = "info"
    format: Literal["auto", "console", "json"] = "auto"  #: auto: console on a terminal, else json


class StateSettings(SettingsTable, frozen=True):
    url: values.StateUrl  #: default: "sqlite:///../var/syndicator.db"
    group: values.OptionalGroup = None  #: number of the group that may read it; None: its owner

    @classmethod
    def complete(cls, settings: Mapping[str, object]) -> Mapping[str, object]:
        return {"url": "sqlite:///../var/syndicator.db", **settings}

    @classmethod
    def check_field(cls, name: str, value: Any, above: Mapping[str, Any]) -> None:
        is_file = above.get("url", "sqlite:").startswith("sqlite:")
        if name == "group" and value is not None and not is_file:
            raise ValueError("must be empty: only the files of SQLite have a group")

    @property
    def file(self) -> Path | None:
        """The SQLite file; None: another database."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:") else None


class Config(SettingsTable, frozen=True):
    """All settings. Paths are absolute, durations are timedeltas, sizes are bytes."""

    site: SiteOverrides
    source: SourceSettings
    feeds: FeedSettings
    output: OutputSettings
    push: PushSettings
    hub: HubSettings
    web: WebSettings
    state: StateSettings
    log: LogSettings

    @classmethod
    def check_field(cls, name: str, value: Any, above: Mapping[str, Any]) -> None:
        if name == "output":
            _check_output(value, above.get("source"))
        if name == "state":
            _check_state(value, above.get("output"))

    def check(self) -> None:
        if self.source.git is None:
            return
        if self.source.clone is None and self.state.file is None:
            raise ValueError("source.clone must be set: the state is not a file to put it beside")
        feeds = self.output.path
        if feeds and os.path.commonpath((self.clone, feeds)) in (str(self.clone), str(feeds)):
            raise ValueError("source.clone and output.path must not be in each other")

    @property
    def clone(self) -> Path:
        """The folder of the clone of `source.git`."""
        file = self.state.file or Path("state")
        return self.source.clone or file.with_name(f"{file.name}-source")

    @property
    def site_folder(self) -> Path:
        """The folder of the site."""
        if self.source.path:
            return self.source.path
        from syndicator.sources.git.clone import Clone

        return Clone(folder=self.clone).tree

    @property
    def is_watched(self) -> bool:
        """Whether the file system reports changes: a clone changes only when it is fetched."""
        return self.source.watch and self.source.git is None

    @property
    def hub_url(self) -> str | None:
        """The public URL of our own hub; None: it is off."""
        return (self.hub.url or f"{self.feeds.url}hub") if self.hub.enabled else None

    @property
    def hubs(self) -> tuple[str, ...]:
        """Every hub that feeds name and that is pinged: our own first, without duplicates."""
        return tuple(dict.fromkeys((*([self.hub_url] if self.hub_url else []), *self.push.hubs)))


def _check_output(output: OutputSettings, source: SourceSettings | None) -> None:
    """Posts are not below the output folder. `source` None: it has mistakes."""
    if output.path is None or source is None or source.path is None:
        return
    below = os.path.relpath(os.path.realpath(output.path), os.path.realpath(source.path))
    parts = below.split("/")
    if parts == ["."] or ("_posts" in parts and ".." not in parts):
        raise ValueError(
            "path must be a separate folder: generated files would be picked up as posts"
        )


def _check_state(state: StateSettings, output: OutputSettings | None) -> None:
    """The state is not public. `output` None: it has mistakes."""
    folder = output and output.path
    if folder and state.file and state.file.is_relative_to(folder):
        raise ValueError(
            "url must be outside the output folder: everything in that folder is public"
        )
