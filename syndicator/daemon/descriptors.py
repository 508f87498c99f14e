"""The limit on open files and sockets."""

import resource

from syndicator.errors import SyndicatorError

#: The daemon holds about 25 at rest. Below this, builds, requests and pushes run out of them.
LEAST = 64

#: Enough for some thousand readers besides all requests under way.
MOST = 16_384


def raise_limit() -> None:
    """Raise the soft limit towards the hard one, up to `MOST`.

    The soft limit is 1,024 by default because of select(2), which is not used here.
    Raises SyndicatorError if the hard limit is below `LEAST`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST:
        hint = "raise the hard limit: ulimit -Hn, or LimitNOFILE of the systemd unit"
        raise SyndicatorError(
            f"only {hard:,} files may be open at once; at least {LEAST:,} are needed", hint=hint
        )
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
