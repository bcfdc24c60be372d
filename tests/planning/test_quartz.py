"""Schedules are checked here as Quartz would check them."""

from __future__ import annotations

import pytest

from mdf_magics.planning.quartz import cron_fault, from_unix, zone_fault


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 6 * * ?",
        "0 0/15 8-18 ? * MON-FRI",
        "0 */5 * * * ?",
        "0 0 12 L * ?",
        "0 0 12 LW * ?",
        "0 0 12 L-3 * ? 2030",
        "0 0 12 15W * ?",
        "0 0 12 ? * 6L",
        "0 0 12 ? * mon#2",
        "0 0 22-2 1,15 jan-mar ? 2026-2030",
    ],
)
def test_quartz_expressions_are_right(expression: str) -> None:
    assert cron_fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("0 6 * * *", "it has 5 fields, not six or seven"),
        ("daily", "it has 1 fields, not six or seven"),
        ("", "it has 0 fields, not six or seven"),
        ("0 0 25 * * ?", '"25" is no hour: it takes 0 to 23'),
        (
            "0 0 6 ? * MONDAY",
            '"MONDAY" is no day of week: it takes 1 to 7 or SUN to SAT',
        ),
        ("0 0 6 ? * 0", '"0" is no day of week: it takes 1 to 7 or SUN to SAT'),
        ("0 0 6 1,L * ?", '"L" is no day of month: it takes 1 to 31'),
        ("0/70 * * * * ?", 'the step of "0/70" (second) must be 1 to 60'),
        (
            "0 0 6 * * *",
            "neither of day of month and day of week is ?, and exactly one must be",
        ),
        (
            "0 0 6 ? * ?",
            "both of day of month and day of week is ?, and exactly one must be",
        ),
        ("0 0 6 * * ? 1900", '"1900" is no year: it takes 1970 to 2099'),
    ],
)
def test_others_are_refused_with_the_reason(expression: str, fault: str) -> None:
    assert cron_fault(expression) == fault


@pytest.mark.parametrize(
    ("crontab", "quartz"),
    [
        ("0 6 * * *", "0 0 6 * * ?"),
        ("*/10 * 1 * *", "0 */10 * 1 * ?"),
        ("0 6 * * 1-5", "0 0 6 ? * MON-FRI"),
        ("0 6 * * 0,7", "0 0 6 ? * SUN,SUN"),
        ("0 6 1 * 1", None),
        ("not a cron at all", None),
    ],
)
def test_crontab_is_translated_where_it_can_be(
    crontab: str, quartz: str | None
) -> None:
    assert from_unix(crontab) == quartz


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "PST", "GMT+2", "GMT-08:00"])
def test_zones_of_java_are_right(name: str) -> None:
    assert zone_fault(name) is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("../etc/passwd", "Europe/Berlin"),
    ],
)
def test_other_zones_are_refused_with_a_near_one(name: str, near: str) -> None:
    assert zone_fault(name) == f'Write one such as  "{near}"  or  "UTC" .'
