"""What a workspace fills in by itself, which is no difference to what was sent.

A field that was never sent counts only when it is listed here and has another value
than the one that the server gives it: somebody has set it by hand. A field that isn't
listed is taken for the server's: new ones appear all the time, and a plan that wanted
to undo them would never come to rest. (Fields from the Jobs and Pipelines API
reference; limits and defaults in facts/platform.md.)
"""

from __future__ import annotations

DEFAULTS: dict[str, object] = {
    # what a person may set on a job or a pipeline; nothing by default
    "budget_policy_id": None,
    "continuous": False,
    "description": None,
    "development": False,
    "email_notifications": None,
    "existing_cluster_id": None,
    "git_source": None,
    "health": None,
    "max_retries": 0,
    "notifications": None,
    "parameters": None,
    "retry_on_timeout": False,
    "schedule": None,
    "tags": None,
    "timeout_seconds": 0,
    "trigger": None,
    "webhook_notifications": None,
    # what the server sets when nothing is said
    "channel": "CURRENT",
    "disabled": False,
    "edition": "ADVANCED",
    "format": "MULTI_TASK",
    "max_concurrent_runs": 1,
    "min_retry_interval_millis": 0,
    "pause_status": "UNPAUSED",
    "photon": False,
    "queue": {"enabled": True},
    "run_if": "ALL_SUCCESS",
    "serverless": False,
    "source": "WORKSPACE",
}
"""Field to the value it has when nobody has set it; None stands for every empty one."""

OWN_MAPS = frozenset({"base_parameters", "configuration", "tags"})
"""Maps whose keys are the user's: the server adds none, so each one counts."""

KEYED_LISTS = {
    "tasks": "task_key",
    "depends_on": "task_key",
    "job_clusters": "job_cluster_key",
    "environments": "environment_key",
    "parameters": "name",
    "clusters": "label",
}
"""Lists without a meaning in their order, and what tells their items apart."""

UNORDERED = frozenset({"on_failure", "on_start", "on_success", "libraries", "alerts"})
"""Lists that the server may return in another order, without a key."""
