"""Imports what the work after the first run needs, while nothing waits for it."""

from syndicator.model.clock import utcnow
from syndicator.service import Service
from syndicator.store import audiences


def import_for_changes(service: Service) -> None:
    """Import what a changed post needs, so that the first one that is saved does not wait."""
    from syndicator.build.post_tools import import_renderer
    from syndicator.formats import import_libraries, opml, read_back  # noqa: F401
    from syndicator.jekyll import fast_heads  # noqa: F401

    import_libraries()
    import_renderer()
    if service.config.push.hubs:
        from syndicator.outbound import operator_sender  # noqa: F401
    with service.database.read() as connection:
        notified = service.config.push.hubs or audiences.by_topic(connection, utcnow())
    if notified:
        service.client.made()
