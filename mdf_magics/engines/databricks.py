"""The engine `databricks`: a workspace's cluster, or its serverless compute.

From elsewhere it is reached by databricks-connect; inside a Databricks notebook it is
the notebook's own `spark`. Whatever can be known without starting compute is asked
first, by REST: who asks, and whether the cluster is there and running.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, override

from mdf_magics.engines import spark_messages
from mdf_magics.engines.browsing import Listing
from mdf_magics.engines.packages import CLIENT, installed, newer_client, stray_pyspark
from mdf_magics.engines.remote import (
    CHANNEL_OPTIONS,
    RemoteConnection,
    is_expired,
    open_session,
)
from mdf_magics.engines.spark_connect import Connection, SparkConnectEngine
from mdf_magics.engines.unity_catalog import UnityCatalog
from mdf_magics.errors import EngineError, EngineUnavailable, MdfError, Problem

if TYPE_CHECKING:
    from databricks.sdk.config import Config
    from pyspark.sql import SparkSession

_CLUSTER = "/api/2.1/clusters/get"
_RUNNING = ("RUNNING", "RESIZING")

_NO_SERVERLESS = re.compile(
    r"serverless[\w ]* (?:is|are)(?: not|n't) (?:enabled|available|supported|allowed)",
    re.IGNORECASE,
)
"""What a workspace says that has none; its words aren't documented."""


class Workspace(Protocol):
    """A workspace that has been logged in to."""

    config: Config
    """Where it is and who asks, as databricks-sdk and databricks-connect take it."""

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the REST API answers to a GET.

        Raises:
            MdfError: It doesn't answer, or says no.
        """


class DatabricksEngine(SparkConnectEngine[Connection]):
    """An engine on a workspace's compute."""

    name = "databricks"
    _read_message = staticmethod(spark_messages.read)

    def __init__(
        self,
        log_in: Callable[[], Workspace],
        catalog: str,
        *,
        cluster_id: str | None = None,
        serverless: bool | None = None,
        timeout: float | None = None,
    ) -> None:
        """Describe the engine; it connects with its first use.

        Args:
            log_in: Logs in to the workspace, and sees that it takes the login.
            catalog: The catalog that the target writes.
            cluster_id: The cluster for queries.
            serverless: Serverless compute for queries. Neither: the cluster that the
                profile or the environment names, else serverless.
            timeout: Seconds after which a preview's query is interrupted.
        """
        self._log_in = log_in
        self._cluster_id = cluster_id
        self._serverless = serverless
        self._workspace: Workspace | None = None
        super().__init__(catalog, timeout)

    @property
    def in_notebook(self) -> bool:
        """Whether this is a Databricks notebook, whose session is used."""
        return notebook_session() is not None

    @property
    def workspace(self) -> Workspace:
        """The workspace, logged in to on first use.

        Raises:
            EngineUnavailable: The login doesn't work.
        """
        if self._workspace is None:
            try:
                self._workspace = self._log_in()
            except EngineError:
                raise
            except MdfError as error:
                raise EngineUnavailable(*error.problems) from error
        return self._workspace

    def cluster(self) -> str | None:
        """The cluster that queries run on; None: serverless compute."""
        if self._cluster_id or self._serverless:
            return self._cluster_id
        config = self.workspace.config
        return None if config.serverless_compute_id else config.cluster_id

    def _check_compute(self) -> None:
        """Look whether a query could run, without starting anything.

        Raises:
            EngineUnavailable: Nobody is logged in, the cluster isn't there or doesn't
                run, or databricks-connect doesn't fit.
        """
        cluster = self.cluster()
        if cluster is None:
            return
        said = self.cluster_info(cluster)
        problem = newer_client(said.get("spark_version", ""), f"the cluster {cluster}")
        if problem := problem or _not_running(cluster, said.get("state", "")):
            raise EngineUnavailable(problem)

    def cluster_info(self, cluster: str) -> dict[str, Any]:
        """What the workspace says of a cluster; starts nothing.

        Raises:
            EngineUnavailable: It isn't there, or may not be seen.
        """
        try:
            return self.workspace.read(_CLUSTER, {"cluster_id": cluster})
        except EngineError:
            raise
        except MdfError as error:
            message = f"the cluster {cluster} can't be used: {_said(error)}"
            hint = (
                "Correct  cluster_id  (or DATABRICKS_CLUSTER_ID), an id such as "
                "0123-456789-abcdefgh, or use  serverless: true ."
            )
            problem = Problem("engine-unavailable", message, hint)
            raise EngineUnavailable(problem) from error

    @override
    def _import(self) -> None:
        if not self.in_notebook:
            if not installed(CLIENT):
                raise ImportError(CLIENT)  # pyspark of somebody else's may be there
            if problem := stray_pyspark():
                raise EngineUnavailable(problem)
        super()._import()

    def _connect(self) -> Connection:
        if notebook := notebook_session():
            return NotebookConnection(notebook)
        self._check_compute()
        from databricks.connect import DatabricksSession
        from databricks.connect.auth import DatabricksChannelBuilder
        from databricks.connect.headers import Headers

        config, cluster = self.workspace.config, self.cluster()
        headers: dict[str, str] = {}
        if cluster:
            headers[Headers.CLUSTER_ID] = cluster
        else:
            DatabricksSession.Builder._setup_serverless_headers(headers)  # noqa: SLF001
        agent = f"mdf_magics/{installed('mdf_magics')} databricks-session"
        # Not by DatabricksSession: it asks the server before one can say how patiently.
        channel = DatabricksChannelBuilder(config, agent, CHANNEL_OPTIONS, headers)
        session = open_session(channel)
        where = f"the cluster {cluster}" if cluster else "serverless compute"
        hint = (
            f"Look at it in the workspace:  {config.host} . If it is starting, run this"
            " again in a minute; a proxy on the way must let HTTP/2 pass."
        )
        connection = _WorkspaceConnection(session, f"{where} of {config.host}", hint)
        try:
            self._prepare(session, cluster)
        except BaseException as error:
            found = connection.explain(error)
            connection.end()
            if found:
                raise found from error
            raise
        return connection

    def _prepare(self, session: SparkSession, cluster: str | None) -> None:
        """Make sure that the client fits; what it is, the server wants to know."""
        if cluster is None:
            runtime = session.client.server_version().dbr_version or ""
            if problem := newer_client(runtime, "serverless compute"):
                raise EngineUnavailable(problem)
        session.conf.set("spark.databricks.connect.version", installed(CLIENT))

    def _listing(self) -> Listing:
        return UnityCatalog(self)


class _WorkspaceConnection(RemoteConnection):
    """A session on a workspace's compute."""

    @override
    def explain(self, error: BaseException) -> EngineError | None:
        if not _NO_SERVERLESS.search(str(error)):
            return super().explain(error)
        message = "the workspace has no serverless compute for you"
        hint = "Ask an admin to enable it, or give the target a  cluster_id ."
        return EngineUnavailable(Problem("engine-unavailable", message, hint))


class NotebookConnection:
    """A notebook's own session, which isn't ours to end."""

    def __init__(self, session: SparkSession) -> None:
        """Take a look at it."""
        self.session = session

    def lost(self) -> bool:
        """Whether the notebook has another session by now."""
        return notebook_session() is not self.session

    def explain(self, error: Exception) -> EngineError | None:
        """What an error means that is about the session; a new one is the user's."""
        if not is_expired(error):
            return None
        message = "the notebook's session has expired"
        hint = "Detach the notebook from its compute, and attach it again."
        return EngineUnavailable(Problem("session-expired", message, hint))

    def end(self) -> None:
        """Leave it to the notebook."""

    def leave(self) -> None:
        """Leave it to the notebook."""

    def disown(self) -> None:
        """Leave it to the notebook."""


def notebook_session() -> SparkSession | None:
    """The `spark` of the Databricks notebook that this runs in, if it does."""
    if "DATABRICKS_RUNTIME_VERSION" not in os.environ or "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    session: SparkSession | None = shell and shell.user_ns.get("spark")
    return session


def _said(error: MdfError) -> str:
    return error.problems[0].message.rstrip(".")


def _not_running(cluster: str, state: str) -> Problem | None:
    if state in _RUNNING:
        return None
    message = f"the cluster {cluster} is not running: {state.lower()}".rstrip(": ")
    hint = f"Start it:  databricks clusters start {cluster}  , or use  serverless: true"
    if state in ("PENDING", "RESTARTING"):
        message = f"the cluster {cluster} is starting"
        hint = "Run this again in a few minutes, or use  serverless: true ."
    return Problem("engine-unavailable", message, hint)
