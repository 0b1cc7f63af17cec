"""The hours that matter: of the day, on the days of the week. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY = timedelta(days=1)
_TWO = 2
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)


def clock_time(value: object) -> object:
    """``"08:00"`` as a time; PydanticCustomError for anything else."""
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        if isinstance(value, time):
            return value
        raise PydanticCustomError("clock", 'expected a time of day such as "08:00"')
    return time(int(found[1]), int(found[2]))


ClockTime = Annotated[
    time,
    BeforeValidator(clock_time),
    PlainSerializer(lambda value: f"{value:%H:%M}"),
    WithJsonSchema({"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$", "examples": ["08:00"]}),
]
"""A time of day, by the clocks of the ``time_zone`` at the top of the file."""


class Between(NamedTuple):
    """A part of the day; one that ends before it begins ends on the next day."""

    begins: time
    ends: time

    @classmethod
    def of(cls, text: str) -> Between:
        """``"08:00-20:00"``; PydanticCustomError for anything else."""
        clocks = [_CLOCK.fullmatch(part.strip()) for part in text.split("-")]
        times = [time(int(found[1]), int(found[2])) for found in clocks if found]
        if len(times) != _TWO or len(clocks) != _TWO:
            raise PydanticCustomError("between", 'expected two times of day such as "08:00-20:00"')
        if times[0] == times[1]:
            raise PydanticCustomError("between", "begins when it ends: leave it out for the whole day")
        return cls(*times)

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"


def _between(value: object) -> object:
    return value if isinstance(value, Between) else Between.of(str(value))


BetweenTimes = Annotated[
    Between,
    BeforeValidator(_between),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["08:00-20:00"]}),
]
"""A part of the day, by the clocks of the ``time_zone`` at the top of the file: ``"08:00-20:00"``."""


class Hours(NamedTuple):
    """When it matters: in this part of the day (None: all of it) on these days, those on which it begins."""

    zone: ZoneInfo
    between: Between | None = None
    days: Collection[str] = DAYS

    def within(self, begin: datetime, end: datetime) -> timedelta:
        """How much of the time between these two (UTC) matters; an hour that the clocks repeat counts twice."""
        day, last = begin.astimezone(self.zone).date() - _DAY, end.astimezone(self.zone).date()
        total = timedelta(0)
        while day <= last:
            if DAYS[day.weekday()] in self.days:
                start, stop = self._on(day)
                total += max(min(stop, end) - max(start, begin), timedelta(0))
            day += _DAY
        return total

    def _on(self, day: date) -> tuple[datetime, datetime]:
        begins, ends = self.between or (time(0), time(0))
        return self._at(day, begins), self._at(day if ends > begins else day + _DAY, ends)

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)
