"""The config's tables: every setting, its kind and its default."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from syndicator.config import values as v


class SettingsTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    _from_environment = model_validator(mode="before")(v.from_json)


class SiteOverrides(SettingsTable):
    """What the site is called. None: what its own `_config.yml` says."""

    url: v.Address | None = None
    title: v.Text | None = None
    description: v.Text | None = None
    language: v.Language | None = None
    author: v.Text | None = None
    timezone: v.TimeZone | None = None


class SourceSettings(SettingsTable):
    path: v.Folder
    poll: v.Interval = timedelta(seconds=30)
    watch: v.Flag = True


class FeedSettings(SettingsTable):
    """None for `by`, `limit`, `content`: what the site tells jekyll-feed, else by category, 50 and full."""

    url: v.FolderAddress = "http://127.0.0.1:8080/"
    formats: v.Formats = ("rss", "atom", "json")
    by: v.Kinds | None = None
    limit: v.Positive | None = None
    max_bytes: v.Size = 2**20
    content: Literal["full", "excerpt"] | None = None
    aliases: v.Places = ()
    moved: v.Moved = ()
    players: v.Players = ()
    schemes: v.Schemes = ()


class OutputSettings(SettingsTable):
    path: v.Folder = Field(default="../feeds", validate_default=True)
    compress: v.Encodings = ("gzip", "br")


class PushSettings(SettingsTable):
    hubs: v.Addresses = ()
    timeout: v.Duration = timedelta(seconds=10)
    retry: v.Retry = v.durations("5s", "30s", "2m", "10m", "1h", "6h", "24h")


class LeaseSettings(SettingsTable):
    min: v.Duration = timedelta(minutes=5)
    default: v.Duration = timedelta(days=10)
    max: v.Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min <= self.default <= self.max:
            raise ValueError("min, default and max must not decrease in this order")
        return self


class HubLimitSettings(SettingsTable):
    """What strangers may ask of the hub. The defaults let one reader subscribe to 300 feeds in a burst."""

    client: v.Positive = 600  #: subscription requests a minute from one client's address
    host: v.Positive = 600  #: subscription requests a minute for one callback host
    pending: v.Positive = 10_000  #: verifications not yet made
    subscriptions: v.Positive = 100_000  #: in all
    host_subscriptions: v.Positive = 5_000  #: of one callback host, or of one network


class HubSettings(SettingsTable):
    enabled: v.Flag = True
    url: v.Address | None = None  #: None: feeds.url + "hub"
    lease: LeaseSettings = LeaseSettings()
    timeout: v.Duration = timedelta(seconds=10)
    retry: v.Retry = v.durations("5s", "30s", "2m", "10m", "1h", "6h")
    allow_private: v.Networks = ()
    limits: HubLimitSettings = HubLimitSettings()


class WebSettings(SettingsTable):
    listen: v.ListenAddress = v.Listen("127.0.0.1", 8080)
    admin: v.OptionalListenAddress = v.Listen(
        "127.0.0.1", 8081
    )  #: None: the operator's address is off
    admin_hosts: v.HostNames = ()  #: names it answers to, besides this machine's own
    max_age: v.Duration = timedelta(minutes=5)
    trusted_proxies: v.Networks = ()
    poller_limit: v.Number = 0  #: full answers of unchanged bytes a client gets an hour; 0: any


class StateSettings(SettingsTable):
    url: v.StateUrl = Field(default="sqlite:///../var/syndicator.db", validate_default=True)

    @property
    def file(self) -> Path | None:
        """Where it stands; None: it is no file of ours."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:") else None


class Config(SettingsTable):
    """The whole of it. Paths are absolute, durations are timedeltas, sizes are octets."""

    site: SiteOverrides = SiteOverrides()
    source: SourceSettings
    feeds: FeedSettings = FeedSettings()
    output: OutputSettings = Field(default={}, validate_default=True)
    push: PushSettings = PushSettings()
    hub: HubSettings = HubSettings()
    web: WebSettings = WebSettings()
    state: StateSettings = Field(default={}, validate_default=True)

    @field_validator("output")
    @classmethod
    def _beside_the_posts(cls, output: OutputSettings, info: ValidationInfo) -> OutputSettings:
        source = info.data.get("source")
        real = os.path.realpath(output.path)
        below = os.path.relpath(real, os.path.realpath(source.path)).split("/") if source else []
        if below == ["."] or ("_posts" in below and ".." not in below):
            raise ValueError(
                "path must be a folder of its own: what is written there would stand among the posts"
            )
        return output

    @field_validator("state")
    @classmethod
    def _out_of_sight(cls, state: StateSettings, info: ValidationInfo) -> StateSettings:
        output = info.data.get("output")
        if output and state.file and state.file.is_relative_to(output.path):
            raise ValueError(
                "url must lead out of the output folder: what stands there is for everyone"
            )
        return state

    @property
    def hub_url(self) -> str | None:
        """The public address of our own hub; None: it is off."""
        return (self.hub.url or f"{self.feeds.url}hub") if self.hub.enabled else None

    @property
    def hubs(self) -> tuple[str, ...]:
        """Every hub that is named and told, our own first, each once."""
        return tuple(dict.fromkeys((*([self.hub_url] if self.hub_url else []), *self.push.hubs)))
