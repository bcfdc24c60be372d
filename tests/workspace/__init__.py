"""A stand-in for the REST API of a Databricks workspace: stateful, strict, breakable.

It answers on a port of this machine as a workspace would: jobs 2.2, runs, pipelines,
workspace files, permissions, the current user, statements on SQL warehouses. It
remembers, it refuses what the platform refuses, and it breaks on order. A run is a
timetable whose outcomes a test states (`server.runs.outcomes["gold-delays"]`); SQL
really runs, on the engine that the server was given.

    with WorkspaceServer() as server:
        server.fault("POST .*/jobs/create", "drop", when="after")
        ...
        assert server.count("POST /api/2.2/jobs/create") == 1

By hand, for trying things out and for screenshots:

    python -m tests.workspace            # prints two lines to `export`
    mdf -t dev deploy

Another process orders faults and reads the log over HTTP, without a token:

    curl -X POST HOST/control/faults -d '{"pattern": "jobs/create", "effect": 503}'
    curl -X DELETE HOST/control/faults
    curl HOST/control/calls
    curl -X POST HOST/control/settings -d '{"latency": 0.05, "list_lag_calls": 2}'

Where it is stricter than the real thing: unknown fields are errors (the real API lets
some pass). What real workspaces do in different ways is settable:
`cloud.forbid_missing`, `cloud.list_lag_calls`, `cloud.list_lag_seconds`, `cloud.hidden`.
"""

from tests.workspace.faults import Call, Fault
from tests.workspace.server import TOKEN, USER, WorkspaceServer
from tests.workspace.timeline import Outcome

__all__ = ["TOKEN", "USER", "Call", "Fault", "Outcome", "WorkspaceServer"]
