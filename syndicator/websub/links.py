"""The Link header that names a topic and its hubs."""

from collections.abc import Sequence


def link_header(hubs: Sequence[str], topic: str) -> str:
    """Hubs and self in one header: absolute, `rel` first and alone, `", "` between links.

    RFC 8288 would allow more; readers in use parse no more than this (SimplePie, websub.rocks).
    """
    links = [f'<{hub}>; rel="hub"' for hub in hubs]
    return ", ".join([*links, f'<{topic}>; rel="self"'])
