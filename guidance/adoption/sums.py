"""Numbers of the desk log added up, and the shares that follow from them."""

from dataclasses import dataclass, fields
from typing import NamedTuple

UNSTEADY_BELOW = 30


class Share(NamedTuple):
    """Part of a whole; no percentage where the whole is nothing."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def unsteady(self) -> bool:
        """Whether a few people more or less would move the percentage a lot."""
        return 0 < self.denominator < UNSTEADY_BELOW


@dataclass(frozen=True)
class Sums:
    """Numbers of the rollup added up; see desk.models.MonthlyCount for what each one counts."""

    cases: int = 0
    people: int = 0
    guided: int = 0
    staff: int = 0
    explained: int = 0
    guided_done: int = 0
    submitted: int = 0
    activated: int = 0
    counter: int = 0
    home: int = 0
    stopped: int = 0
    referred: int = 0
    first_time: int = 0
    timed: int = 0
    minutes_sum: int = 0

    @property
    def self_service(self) -> Share:
        """People who did it themselves with guidance, of all who got it done online with help."""
        return Share(self.guided_done, self.submitted + self.activated)

    @property
    def unresolved(self) -> Share:
        """People who stopped or were sent elsewhere, of all people helped."""
        return Share(self.stopped + self.referred, self.people)

    @property
    def minutes(self) -> float | None:
        """Average minutes of a case, from the bands that were noted."""
        return self.minutes_sum / self.timed if self.timed else None

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = tuple(part.name for part in fields(Sums))
NOTHING = Sums()
