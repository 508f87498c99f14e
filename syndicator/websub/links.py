"""The Link header that names a topic and its hubs."""

from collections.abc import Sequence


def link_header(hubs: Sequence[str], topic: str) -> str:
    """All links in one header: absolute URLs, `rel` as the only parameter, `", "` between links.

    RFC 8288 allows more, but this is all that readers in use can parse (SimplePie, websub.rocks).
    """
    links = [f'<{hub}>; rel="hub"' for hub in hubs]
    return ", ".join([*links, f'<{topic}>; rel="self"'])
