"""Updates the archives after a run."""

from collections.abc import Callable
from typing import Any

import structlog

from syndicator.daemon.faults import Faults
from syndicator.daemon.run_log import hand_over
from syndicator.errors import LostLeaseError, SyndicatorError
from syndicator.model.progress import Cancel, Cancelled
from syndicator.service import Service


def update(service: Service, faults: Faults, beat: Callable[[], None], cancel: Cancel) -> None:
    """Update the archives, until `cancel` ends it. `beat` is called while it works."""
    try:
        made = service.archive(lambda *_: beat(), cancel=cancel)
    except Cancelled:
        return
    except LostLeaseError as error:
        hand_over(service, error)
    except Exception as error:
        if isinstance(error, SyndicatorError):
            service.beat(error)
        faults.report("archive", error)
    else:
        faults.report("archive", None)
        if made:
            log: Any = structlog.get_logger()
            log.info("archived", pages=made)
