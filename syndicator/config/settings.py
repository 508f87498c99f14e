"""Every setting, with its type and its default: one class for each table of the config."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from syndicator.config import values
from syndicator.config.addresses import Listen
from syndicator.config.environment_values import parse_json


def _table() -> Any:
    """The default of a nested table: it is validated with the config, and needs no validator.

    A table as default, `HubSettings()`, would make pydantic build one validator for each class.
    """
    return Field(default={}, validate_default=True)


class SettingsTable(BaseModel):
    # Only the validator of the whole config is built:
    # https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    _from_environment = model_validator(mode="before")(parse_json)


class SiteOverrides(SettingsTable):
    """Settings that override the site's `_config.yml`. None: not overridden."""

    url: values.Url | None = None
    title: values.Text | None = None
    description: values.Text | None = None
    language: values.Language | None = None
    author: values.Text | None = None
    timezone: values.TimeZone | None = None


class SourceSettings(SettingsTable):
    path: values.Folder
    theme: values.OptionalFolder = None  #: None: the includes of the site's theme are not read
    poll: values.Interval = timedelta(seconds=30)
    watch: values.Flag = True


class FeedSettings(SettingsTable):
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
    aliases: values.Aliases = ()
    moved: values.Moved = ()
    players: values.Players = ()
    schemes: values.Schemes = ()


class OutputSettings(SettingsTable):
    path: values.Folder = Field(default="../feeds", validate_default=True)
    compress: values.Encodings = ("gzip", "br")


class PushSettings(SettingsTable):
    hubs: values.Urls = ()
    timeout: values.Duration = timedelta(seconds=10)
    retry: values.RetryDelays = values.durations("5s", "30s", "2m", "10m", "1h", "6h", "24h")
    pace: values.Pace = timedelta(seconds=5)  #: zero: each change is sent at once


class LeaseSettings(SettingsTable):
    min: values.Duration = timedelta(minutes=5)
    default: values.Duration = timedelta(days=10)
    max: values.Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min <= self.default <= self.max:
            raise ValueError("min, default and max must be in ascending order")
        return self


class HubLimitSettings(SettingsTable):
    """Limits on requests to the hub, which anyone may send.

    The defaults let one reader subscribe to 300 feeds in a burst.
    """

    client: values.Positive = 600  #: subscription requests a minute from one client address
    host: values.Positive = 600  #: subscription requests a minute for one callback host
    pending: values.Positive = 10_000  #: verifications that are queued
    subscriptions: values.Positive = 100_000  #: in total
    host_subscriptions: values.Positive = 5_000  #: of one callback host or network


class HubSettings(SettingsTable):
    enabled: values.Flag = True
    url: values.Url | None = None  #: None: feeds.url + "hub"
    lease: LeaseSettings = _table()
    timeout: values.Duration = timedelta(seconds=10)
    retry: values.RetryDelays = values.durations("5s", "30s", "2m", "10m", "1h", "6h")
    allow_private: values.Networks = ()
    limits: HubLimitSettings = _table()


class WebSettings(SettingsTable):
    listen: values.ListenAddress = Listen("127.0.0.1", 8080)
    admin: values.OptionalListenAddress = Listen("127.0.0.1", 8081)  #: None: off
    admin_hosts: values.HostNames = ()  #: names that `admin` answers to, besides this machine's own
    max_age: values.Duration = timedelta(minutes=5)
    trusted_proxies: values.Networks = ()
    poller_limit: values.Number = 0  #: full responses an hour for a feed a client has; 0: no limit


class LogSettings(SettingsTable):
    level: values.LogLevel = "info"
    format: Literal["auto", "console", "json"] = "auto"  #: auto: console on a terminal, else json


class StateSettings(SettingsTable):
    url: values.StateUrl = Field(default="sqlite:///../var/syndicator.db", validate_default=True)
    group: values.OptionalGroup = (
        None  #: number of the group that may read it; None: its owner only
    )

    @field_validator("group")
    @classmethod
    def _files_have_groups(cls, group: int | None, info: ValidationInfo) -> int | None:
        if group is not None and not info.data.get("url", "sqlite:").startswith("sqlite:"):
            raise ValueError("must be empty: only the files of SQLite have a group")
        return group

    @property
    def file(self) -> Path | None:
        """The SQLite file; None: another database."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:") else None


class Config(SettingsTable):
    """All settings. Paths are absolute, durations are timedeltas, sizes are bytes."""

    site: SiteOverrides = _table()
    source: SourceSettings = _table()
    feeds: FeedSettings = _table()
    output: OutputSettings = _table()
    push: PushSettings = _table()
    hub: HubSettings = _table()
    web: WebSettings = _table()
    state: StateSettings = _table()
    log: LogSettings = _table()

    @field_validator("output")
    @classmethod
    def _output_is_not_among_posts(
        cls, output: OutputSettings, info: ValidationInfo
    ) -> OutputSettings:
        source = info.data.get("source")
        real = os.path.realpath(output.path)
        parts = os.path.relpath(real, os.path.realpath(source.path)).split("/") if source else []
        if parts == ["."] or ("_posts" in parts and ".." not in parts):
            raise ValueError(
                "path must be a separate folder: generated files would be picked up as posts"
            )
        return output

    @field_validator("state")
    @classmethod
    def _state_is_not_public(cls, state: StateSettings, info: ValidationInfo) -> StateSettings:
        output = info.data.get("output")
        if output and state.file and state.file.is_relative_to(output.path):
            raise ValueError(
                "url must be outside the output folder: everything in that folder is public"
            )
        return state

    @property
    def hub_url(self) -> str | None:
        """The public URL of our own hub; None: it is off."""
        return (self.hub.url or f"{self.feeds.url}hub") if self.hub.enabled else None

    @property
    def hubs(self) -> tuple[str, ...]:
        """Every hub that feeds name and that is pinged: our own first, without duplicates."""
        return tuple(dict.fromkeys((*([self.hub_url] if self.hub_url else []), *self.push.hubs)))
