"""How many files and sockets the process may hold open."""

import resource

from syndicator.errors import SyndicatorError

#: The daemon holds some 25 at rest. With fewer than this, runs, requests and pushes take them from each other.
LEAST = 64

#: Enough for some thousand readers beside all requests under way; a limit in the millions bounds nothing.
MOST = 16_384


def raise_limit() -> None:
    """Raise the soft limit, which is 1,024 for the sake of select(2), towards the hard one. We don't use select.

    Raises SyndicatorError where even the hard one is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST:
        hint = "let whoever starts it raise the hard limit: ulimit -Hn, or LimitNOFILE of its unit"
        raise SyndicatorError(
            f"only {hard:,} files may be open at once; it takes {LEAST:,} or more", hint=hint
        )
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
