"""What is a difference between two specs, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.deploying.comparison import differences, remote_differences
from mdf_magics.deploying.references import Reference

TASK: dict[str, Any] = {
    "task_key": "a",
    "notebook_task": {"notebook_path": "/a", "base_parameters": {"table": "x"}},
}


def said(before: object, after: object) -> list[str]:
    return [str(difference) for difference in differences(before, after)]


def seen(remote: object, sent: object) -> list[str]:
    return [difference.path for difference in remote_differences(remote, sent)]


class TestWords:
    def test_a_field_says_where_it_is(self):
        changed = TASK | {
            "notebook_task": {"notebook_path": "/a", "base_parameters": {"table": "y"}}
        }

        assert said({"tasks": [TASK]}, {"tasks": [changed]}) == [
            "tasks[a].notebook_task.base_parameters.table: was x, will be y"
        ]

    def test_an_item_that_comes_or_goes_is_one_difference(self):
        both = {"tasks": [TASK, {"task_key": "b"}]}

        assert said({"tasks": [TASK]}, both) == ["tasks[b]: will be added"]
        assert said(both, {"tasks": [TASK]}) == ["tasks[b]: will be removed"]

    def test_long_values_are_cut(self):
        (text,) = said({"description": "x"}, {"description": "y" * 1000})

        assert text.startswith("description: was x, will be yyy")
        assert len(text) < 100

    def test_control_characters_are_not_shown(self):
        assert said({"name": "a"}, {"name": "\x1b[31m"}) == [
            'name: was a, will be "\\u001b[31m"'
        ]


class TestNoDifference:
    @pytest.mark.parametrize("empty", [None, "", [], {}])
    def test_empty_values(self, empty: object):
        assert said({"a": 1}, {"a": 1, "b": empty}) == []
        assert said({"a": 1, "b": empty}, {"a": 1}) == []

    def test_the_order_of_keyed_lists(self):
        first, second = {"task_key": "a"}, {"task_key": "b"}
        last = {"task_key": "c", "depends_on": [first, second]}
        other = {"task_key": "c", "depends_on": [second, first]}

        assert (
            said({"tasks": [first, second, last]}, {"tasks": [other, second, first]})
            == []
        )

    def test_the_order_of_lists_without_a_key_that_the_server_shuffles(self):
        remote = {"email_notifications": {"on_failure": ["b", "a"]}}

        assert seen(remote, {"email_notifications": {"on_failure": ["a", "b"]}}) == []

    @pytest.mark.parametrize(
        "filled",
        [
            {"format": "MULTI_TASK", "max_concurrent_runs": 1, "timeout_seconds": 0},
            {"email_notifications": {"no_alert_for_skipped_runs": False}},
            {"webhook_notifications": {}, "queue": {"enabled": True}},
            {"creator_user_name": "me", "run_as_user_name": "me", "created_time": 1},
            {"a_field_of_next_year": "x"},
        ],
    )
    def test_what_the_server_fills_in(self, filled: dict[str, Any]):
        assert seen({"name": "n"} | filled, {"name": "n"}) == []

    def test_what_the_server_fills_in_within_a_task(self):
        remote = TASK | {
            "run_if": "ALL_SUCCESS",
            "timeout_seconds": 0,
            "email_notifications": {},
            "notebook_task": TASK["notebook_task"] | {"source": "WORKSPACE"},
        }

        assert seen({"tasks": [remote]}, {"tasks": [TASK]}) == []

    def test_a_zero_that_the_server_leaves_out(self):
        assert seen({}, {"timeout_seconds": 0, "continuous": False}) == []

    def test_a_number_as_text(self):
        assert seen({"a": {"b": "1"}}, {"a": {"b": 1}}) == []

    def test_a_reference_that_has_the_id(self):
        assert seen({"job_id": 7}, {"job_id": Reference("x", "job", "7")}) == []


class TestByHand:
    @pytest.mark.parametrize(
        "edit",
        [
            {"max_concurrent_runs": 5},
            {"timeout_seconds": 60},
            {
                "schedule": {
                    "quartz_cron_expression": "0 0 6 * * ?",
                    "pause_status": "UNPAUSED",
                }
            },
            {"email_notifications": {"on_failure": ["me@example.com"]}},
            {"queue": {"enabled": False}},
            {"description": "mine"},
        ],
    )
    def test_what_a_person_sets_is_a_difference_though_never_sent(
        self, edit: dict[str, Any]
    ):
        assert seen({"name": "n"} | edit, {"name": "n"}) == list(edit)

    def test_a_paused_schedule(self):
        sent = {"schedule": {"quartz_cron_expression": "0 0 6 * * ?"}}
        remote = {"schedule": sent["schedule"] | {"pause_status": "PAUSED"}}

        assert seen(remote, sent) == ["schedule.pause_status"]

    def test_a_task_a_tag_and_a_parameter_that_were_added(self):
        sent = {"tasks": [TASK], "tags": {"a": "b"}}
        parameters = {"table": "x", "more": "1"}
        task = TASK | {
            "notebook_task": TASK["notebook_task"] | {"base_parameters": parameters}
        }
        remote = {"tasks": [task, {"task_key": "z"}], "tags": {"a": "b", "c": "d"}}

        assert seen(remote, sent) == [
            "tags.c",
            "tasks[a].notebook_task.base_parameters.more",
            "tasks[z]",
        ]

    def test_what_was_sent_and_is_gone(self):
        assert seen({"tasks": []}, {"tasks": [TASK], "tags": {"a": "b"}}) == [
            "tags",
            "tasks[a]",
        ]

    def test_another_id_than_the_reference_has(self):
        assert seen({"job_id": 7}, {"job_id": Reference("x", "job", "8")}) == ["job_id"]
        assert seen({"job_id": 7}, {"job_id": Reference("x", "job", None)}) == [
            "job_id"
        ]

    def test_lists_that_differ_in_length_are_one_difference(self):
        one, two = (
            [{"file": {"path": "a"}}],
            [{"file": {"path": "a"}}, {"file": {"path": "b"}}],
        )

        assert seen({"libraries": two}, {"libraries": one}) == ["libraries"]
        assert seen({"libraries": one[:]}, {"libraries": one}) == []
