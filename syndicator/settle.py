"""The end of a pass: what became of its requests, written down and counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from syndicator.debts import Kind
from syndicator.model import Problem
from syndicator.store import claims, subscriptions
from syndicator.websub.errands import Outcome

#: Failures that a report names.
NAMED = 100


def settle(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down what became of claimed debts, and of the subscriptions that they serve."""
    arrived, failed = list[tuple[str, str, str]](), list[tuple[str, str, str]]()
    claims.settle(connection, [outcome.settlement for outcome in outcomes], now)
    for outcome in outcomes:
        debt = outcome.settlement.owed
        if outcome.kept is not None:
            subscriptions.keep(connection, outcome.kept, debt.detail.get("had"))
        elif outcome.ended:
            subscriptions.end(connection, debt.topic, debt.target)
        elif outcome.delivered is not None:
            arrived.append((debt.topic, debt.target, outcome.delivered))
        elif debt.kind is Kind.DELIVER and outcome.settlement.error is not None:
            failed.append((debt.topic, debt.target, outcome.settlement.error))
    subscriptions.delivered(connection, arrived, now)
    subscriptions.failed(connection, failed, now)


@dataclass(slots=True)
class Tally:
    """What a pass has come to so far, for its report."""

    paid: Counter[Kind] = field(default_factory=Counter)
    again: Counter[Kind] = field(default_factory=Counter)
    gave_up: Counter[Kind] = field(default_factory=Counter)
    problems: dict[str, Problem] = field(default_factory=dict)  #: the last of each target

    def count(self, outcome: Outcome) -> None:
        settlement = outcome.settlement
        if not settlement.tried:
            return
        kind = settlement.owed.kind
        which = self.paid if settlement.paid else self.again if settlement.again else self.gave_up
        which[kind] += 1
        if settlement.error is None:
            return
        target = settlement.owed.target
        name = target if kind is Kind.PING else subscriptions.alias(target)
        if name in self.problems or len(self.problems) < NAMED:
            self.problems[name] = Problem(path=name, message=settlement.error)
