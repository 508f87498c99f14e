"""What else than a document touches feeds: settings, time, files that entries asked for, files we lost."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from syndicator import assemble, gather
from syndicator.jekyll.site import Site
from syndicator.model import Report
from syndicator.notice import SiteReader
from syndicator.outputs.folder import Folder as Output
from syndicator.plan import Plan
from syndicator.store import facts, feeds, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow


@dataclass
class Memory:
    """What a poll without changes compares with, so that it reads no row."""

    needs: gather.Needs
    files: list[FileRow]
    report: Report


class Marker:
    """Marks feeds that are to be made again though none of their documents changed."""

    def __init__(self, plan: Plan, database: Database, output: Output, site_reader: SiteReader) -> None:
        self._plan = plan
        self._database = database
        self._output = output
        self._site_reader = site_reader
        self.adopted: Site | None = None  #: what the site said in the last run that saw to all that follows from it

    def is_due(self, memory: Memory, site: Site, now: datetime) -> bool:
        """Whether anything that is not a document changed since the run that is remembered."""
        due = memory.report.next_due
        return (
            site is not self.adopted
            or (due is not None and now >= due)
            or bool(memory.needs.outdated(str(self._plan.source)))
            or not all(self._output.stands(row.path, row.disk) for row in memory.files if not row.gone)
        )

    def adopt(self, site: Site) -> bool:
        """Compare the site and the plan with those that the store was made with. True: posts must be read again."""
        plan = self._plan
        read_with = fingerprint(plan.version, site.digest, sorted(plan.kinds_of(site)))
        policy = (sorted(plan.policy.frame_hosts), sorted(plan.policy.link_schemes))
        made_with = fingerprint(read_with, plan.spec_of(site, assemble.ALL, None), site.info, policy)
        with self._database.read() as connection:
            read_before = facts.get(connection, "read with")
            made_before = facts.get(connection, "made with")
        if (read_before, made_before) == (read_with, made_with):
            return False
        with self._database.begin() as connection:
            if read_before != read_with:
                posts.unsettle(connection)
            feeds.soil_all(connection)
            facts.put(connection, "read with", read_with)
            facts.put(connection, "made with", made_with)
            facts.put(connection, "configured", "yes" if self._site_reader.configured else "")
        return read_before != read_with

    def mark(self, site: Site, now: datetime, memory: Memory | None) -> None:
        """Mark the feeds that time, other files, or the absence of their own files touch."""
        with self._database.read() as connection:
            before = facts.get(connection, "now")
            then = datetime.fromisoformat(before) if before else now
            # A clock that was set back takes posts out again that it had let out too early.
            due = posts.due(connection, min(then, now), max(then, now))
            needs = memory.needs if memory else gather.Needs(connection)
            files = memory.files if memory else feeds.every_file(connection)
            missing = not memory and not any(row.name == assemble.ALL for row in feeds.every(connection))
        outdated = needs.outdated(str(self._plan.source))
        lost = {row.feed for row in files if not row.gone and not self._output.stands(row.path, row.disk)}
        if site is self.adopted and not (missing or outdated or due or lost):
            return
        with self._database.begin(durable=False) as connection:
            if missing:
                feeds.put(connection, [FeedRow(name=assemble.ALL, kind=None, label=None, folded="")])
            gather.drop(connection, outdated)
            feeds.soil(connection, due | lost)
            problems.replace(connection, "site", {"": self._site_reader.problems})


def fingerprint(*parts: object) -> str:
    """What tells things that feeds are made of from others: the same for as long as they say the same."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
