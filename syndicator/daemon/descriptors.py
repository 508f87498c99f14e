"""How many files and sockets the process may hold open."""

import resource

#: Enough for some thousand readers beside all requests under way; a limit in the millions bounds nothing.
MOST = 16_384


def raise_limit() -> None:
    """Raise the soft limit, which is 1,024 for the sake of select(2), towards the hard one. We don't use select."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
