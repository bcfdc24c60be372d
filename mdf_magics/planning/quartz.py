"""Checks schedules without a workspace: Quartz cron expressions and time zones.

The syntax is that of Quartz' CronExpression, which the Jobs API takes (Quartz
documentation, "Cron Trigger Tutorial"); the time zones are those of Java's TimeZone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mdf_magics.errors import closest

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN",
           "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")  # fmt: skip
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_JAVA_ZONES = (
    "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT"
    " PNT PRT PST SST VST"
)
"""Short names that Java has and the time zone database has not."""

_OFFSET = re.compile(r"GMT[+-]([01]?\d|2[0-3])(:?[0-5]\d)?")


@dataclass(frozen=True)
class _Field:
    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()
    special: str = r"(?!)"
    """What this field takes besides numbers, alone."""

    def fault(self, text: str) -> str | None:
        """Why this field can't be read; None if it can."""
        if re.fullmatch(self.special, text):
            return None
        for item in text.split(","):
            if fault := self._item_fault(item):
                return fault
        return None

    def _item_fault(self, item: str) -> str | None:
        span, slash, step = item.partition("/")
        longest = self.last - self.first + 1
        if slash and not (step.isdecimal() and 1 <= int(step) <= longest):
            return f'the step of "{item}" ({self.name}) must be 1 to {longest}'
        if span == "*" or (slash and not span):
            return None
        for value in span.split("-", 1):
            if value in self.words:
                continue
            if not (value.isdecimal() and self.first <= int(value) <= self.last):
                named = f" or {self.words[0]} to {self.words[-1]}" if self.words else ""
                return (
                    f'"{item}" is no {self.name}: it takes {self.first} to'
                    f" {self.last}{named}"
                )
        return None


_OF_MONTH = r"\?|L(-([1-9]|[12]\d|30))?W?|([1-9]|[12]\d|3[01])W"
_OF_WEEK = rf"\?|L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])"

_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31, special=_OF_MONTH),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, _OF_WEEK),
    _Field("year", 1970, 2099),
)


def cron_fault(expression: str) -> str | None:
    """Why a text is no Quartz cron expression; None if it is one."""
    texts = expression.upper().split()
    if len(texts) not in (6, 7):
        return f"it has {len(texts)} fields, not six or seven"
    for field, text in zip(_FIELDS, texts, strict=False):
        if fault := field.fault(text):
            return fault
    if (texts[3] == "?") == (texts[5] == "?"):
        both = "neither" if texts[3] != "?" else "both"
        return f"{both} of day of month and day of week is ?, and exactly one must be"
    return None


def from_unix(expression: str) -> str | None:
    """The Quartz expression that a crontab's five fields most likely mean."""
    texts = expression.upper().split()
    if len(texts) != 5:
        return None
    minute, hour, day, month, weekday = texts
    if weekday == "*":
        guess = f"0 {minute} {hour} {day} {month} ?"
    elif day == "*":  # crontab counts days from Sunday 0, Quartz from Sunday 1
        named = re.sub(r"\d", lambda found: _DAYS[int(found[0]) % 7], weekday)
        guess = f"0 {minute} {hour} ? {month} {named}"
    else:
        return None
    return None if cron_fault(guess) else guess


def zone_fault(name: str) -> str | None:
    """Why no time zone has this name, with the closest that has; None if one has."""
    if name in _JAVA_ZONES.split() or _OFFSET.fullmatch(name):
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        if not known:  # this machine has no time zone database
            return None
        near = closest(name, known) or next(
            (one for one in sorted(known) if one.endswith(f"/{name}")), "Europe/Berlin"
        )
        return f'Write one such as  "{near}"  or  "UTC" .'
    return None
