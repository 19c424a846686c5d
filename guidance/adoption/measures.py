"""Each figure of the desk log for one place and period: number, denominator, target, gap, before, a year earlier."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from guidance.adoption import indicators, targets
from guidance.adoption.indicators import Indicator
from guidance.adoption.periods import Period
from guidance.adoption.sums import UNSTEADY_BELOW, Sums


class Amount(NamedTuple):
    """A figure in one period: its two numbers; the second is None for plain counts."""

    numerator: int
    denominator: int | None
    mean: bool

    @property
    def share(self) -> float | None:
        """Numerator ÷ denominator: a share between 0 and 1, or an average; None where it cannot be told."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def unsteady(self) -> bool:
        """Whether a few people more or less would move the percentage a lot."""
        return self.denominator is not None and 0 < self.denominator < UNSTEADY_BELOW


class Measure(NamedTuple):
    """One figure with what it is to be held against. `gap` is in the target's unit; above nothing means missing."""

    indicator: Indicator
    present: Amount
    before: Amount
    past: Amount
    target: targets.Goal | None

    @property
    def gap(self) -> float | None:
        """How far the target is off, in people or as a share; where less is good, how much it is exceeded by."""
        if self.target is None:
            return None
        if self.target.number is not None:
            reached = float(self.present.share or 0) if self.indicator.mean else float(self.present.numerator)
            goal = self.target.number
        elif self.target.share is not None and self.present.share is not None:
            reached, goal = self.present.share, self.target.share
        else:
            return None
        return reached - goal if self.indicator.good == "down" else goal - reached


def amount(indicator: Indicator, sums: Sums) -> Amount:
    """The numbers of an indicator in sums of the rollup."""
    of = sum(getattr(sums, name) for name in indicator.of) if indicator.of else None
    return Amount(sum(getattr(sums, name) for name in indicator.counts), of, indicator.mean)


def measures(
    sums_of: Callable[[Indicator], Sequence[Sums]], period: Period, unit_id: int | None, planned: bool
) -> tuple[Measure, ...]:
    """Every figure of the desk log but the people helped; `sums_of` gives sums of the period, before, a year earlier.

    `planned` says whether targets apply: they are set for whole units, not for a topic or a desk.
    """
    named = targets.named(period) if planned else set()
    found = []
    for one in indicators.of_set("assisted"):
        if one.key == "assisted.people" or (one.topics and not planned):
            continue
        present, before, past = (amount(one, part) for part in sums_of(one))
        goal = targets.goal(one.key, unit_id, period) if one.key in named else None
        found.append(Measure(one, present, before, past, goal))
    return tuple(found)
