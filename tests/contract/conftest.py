"""Fixtures to run the same tests on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import created, running
from wave_hub import Hub

from syndicator.push import pages as push_pages
from syndicator.store.database import Database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server started for the tests, which is stopped and removed after them."""
    with running() as server:
        yield server.get_uri()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return request.getfixturevalue("postgresql")


@pytest.fixture
def postgresql(postgres: str, tmp_path: Path) -> Iterator[str]:
    """An empty database of PostgreSQL."""
    with created(postgres, f"test_{abs(hash(tmp_path)):x}") as url:
        yield url


@pytest.fixture
def unencoded(postgres: str) -> Iterator[str]:
    """An empty PostgreSQL database without an encoding, as `initdb` creates it in the C locale."""
    with created(postgres, "unencoded", "ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0") as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def hub(url: str) -> Iterator[Hub]:
    """A hub that delivers in waves."""
    hub = Hub(url)
    yield hub
    hub.database.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five subscribers a page, so that a few dozen are several sweeps' worth of pages."""
    monkeypatch.setattr(push_pages, "PAGE", 10)
    monkeypatch.setattr(push_pages, "CLAIM", 5)
    monkeypatch.setattr(push_pages, "_LEAST_CLAIM", 2)
