"""One output folder and two states, or several processes of one state."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from support import Site

from syndicator import config
from syndicator.errors import OutputError, SourceError
from syndicator.machine_checks import check_machine
from syndicator.outputs.owner import NAME
from syndicator.service import Service
from syndicator.store.state_id import state_id


@pytest.fixture
def site(tmp_path: Path, url: str) -> Site:
    """A site with its state on each database, and its feeds in `tmp_path`/one/feeds."""
    site = Site(tmp_path / "one")
    site.state_url = url
    site.configure("")
    site.post("2026-01-01-one")
    return site


def site_beside(site: Site, name: str) -> Site:
    """A site with a state of its own, which writes to the folder of another."""
    other = Site(site.root.parents[1] / name)
    other.feeds.symlink_to(site.feeds)
    other.post("2026-01-01-other")
    return other


def foreign(site: Site) -> list[str]:
    """What `doctor` says of the owner of the output folder."""
    problems = check_machine(config.load(site.config_path, {}), ask=False)
    return [f"{one.path}: {one.message}" for one in problems if "belongs to" in one.message]


def test_an_id_is_given_once(site: Site) -> None:
    """When it is first needed. Every process of a state has the same."""
    with site.service() as one, site.service() as other:
        ids = {state_id(service.database) for service in (one, other, one)}
    assert len(ids) == 1


def test_another_state_leaves_the_folder_alone(site: Site) -> None:
    """It writes nothing there, and says whose it is. Processes of the first state share it."""
    site.build()
    before = site.tree()
    other = site_beside(site, "two")
    with pytest.raises(OutputError, match="belongs to another state: ") as caught:
        other.build()
    assert "password" not in str(caught.value)
    assert site.tree() == before
    assert (foreign(site), len(foreign(other))) == ([], 1)
    site.post("2026-01-02-two")
    with site.service() as one, site.service() as two:
        assert one.build().has_changes
        two.build()
        site.post("2026-01-03-three")
        assert two.build().has_changes
        one.build()


def test_a_folder_is_taken_over(site: Site) -> None:
    """By deleting the file that the error names. The first state then writes nothing any more."""
    site.build()
    other = site_beside(site, "two")
    with site.service() as service:
        service.build()
        (site.feeds / NAME).unlink()
        assert other.build().has_changes
        taken = site.tree()
        site.post("2026-01-02-two")
        with pytest.raises(OutputError, match=f"{other.state} on "):
            service.build()
    assert site.tree() == taken


def test_an_older_folder_is_adopted(site: Site) -> None:
    """A folder of an earlier version names no state."""
    site.build()
    before = site.tree()
    (site.feeds / NAME).unlink()
    assert not site.build().has_changes
    assert site.tree() == before
    site.post("2026-01-02-two")
    site.build()
    assert len(foreign(site_beside(site, "two"))) == 1


def test_a_state_that_was_rebuilt_continues(site: Site) -> None:
    """The state can be deleted: another one at its place has its folder, and keeps its files."""
    site.build()
    before = site.tree()
    _delete_state(site.state_url)
    site.build()
    assert site.tree() == before
    assert foreign(site) == []


def test_a_run_without_a_source_claims_nothing(site: Site) -> None:
    """A config with a mistake must not take the folder of another state that is not marked yet."""
    other = site_beside(site, "two")
    shutil.rmtree(other.root)
    site.feeds.mkdir()
    with Service(config.load(other.config_path, {})) as service, pytest.raises(SourceError):
        service.build()
    assert not (site.feeds / NAME).exists()
    site.build()


def _delete_state(url: str) -> None:
    if url.startswith("sqlite:"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
