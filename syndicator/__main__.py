"""What `syndicator` and `python -m syndicator` begin with."""

import gc
import signal

from syndicator.late_imports import postpone_seldom_used
from syndicator.late_patterns import postpone_patterns

gc.disable()  # until a command begins to work: what is imported stays
postpone_seldom_used()
postpone_patterns()

_TRACED = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _TRACED:  # Ctrl-C while Python imports ends us as it ends any program, without a trace of where
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from syndicator.cli.main import main  # noqa: E402

if _TRACED:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if __name__ == "__main__":
    main()
