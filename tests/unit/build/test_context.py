"""What the steps of a run add up to."""

from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from builds import NOW, OPTIONS, SITE, SNAPSHOT, a_state, file_row, post_row, store
from msgspec.structs import replace
from reading import site_of

from syndicator.build.context import BuildContext
from syndicator.build.index_plan import Counts
from syndicator.build.publish import PublishResult
from syndicator.jekyll.site import ALWAYS
from syndicator.model.content import Problem
from syndicator.store import problems

HOUR = timedelta(hours=1)


def context(**fields: Any) -> BuildContext:
    """A run that has done nothing yet. Its tools are missing: nothing here uses them."""
    tools = {"source": None, "progress": None, "cancel": None, "loader": None, "compression": None}
    return BuildContext(**{"snapshot": SNAPSHOT, "now": NOW, "begun": 0.0, **tools, **fields})


@pytest.mark.parametrize(("config", "until"), [(SITE, NOW), (f"{SITE}future: true\n", ALWAYS)])
def test_future_posts_are_shown_only_by_a_site_that_says_so(config: str, until: object) -> None:
    """Jekyll's `future`."""
    assert context(snapshot=replace(SNAPSHOT, site=site_of(config))).until == until


def test_files_are_counted() -> None:
    """A file that is written although it did not change is a repaired one."""
    run = context()
    rows = tuple(file_row(f"{name}.rss") for name in ("same", "changed", "repaired"))
    run.count(PublishResult(rows=rows, changed=rows[1:2], written=2, ended=()))
    assert (run.written, run.repaired, run.rows) == (2, 1, [*rows])
    run.count(PublishResult(rows=rows[:1], changed=(), written=0, ended=()))
    assert (run.written, run.repaired, run.rows) == (2, 1, [*rows, rows[0]])


def test_the_report_has_numbers_of_the_run_and_of_the_state(tmp_path: Path) -> None:
    """Notes are apart from problems. A post that is due now is published, not next."""
    run = context(
        begun=perf_counter(),
        feeds=4,
        changed=3,
        written=7,
        repaired=1,
        pings=2,
        put_off=("heavy.md",),
    )
    one, note = Problem(path="a.md", message="bad"), Problem(path="a.md", message="ok", note=True)
    with a_state(tmp_path) as database:
        store(
            database,
            post_row("now.md", published=NOW),
            post_row("soon.md", published=NOW + HOUR),
            post_row("later.md", published=NOW + 2 * HOUR),
            post_row("hidden.md", head=None),
        )
        with database.begin() as connection:
            problems.replace(connection, "read", {"a.md": [note, one]})
        counts = Counts(new=1, changed=2, gone=3)
        with database.read() as connection:
            report = run.report(connection, counts, OPTIONS)
    assert 0 < report.seconds < 60
    assert (report.started, report.posts, report.next_due) == (NOW, 3, NOW + HOUR)
    assert (report.new, report.changed, report.gone) == (1, 2, 3)
    assert (report.feeds, report.feeds_changed, report.files_written) == (4, 3, 7)
    assert (report.repaired, report.pings, report.put_off) == (1, 2, ("heavy.md",))
    assert (report.problems, report.notes) == ((one,), (note,))
