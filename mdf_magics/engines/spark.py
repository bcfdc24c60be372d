"""The engine `spark`: any Spark Connect server, such as a company's own cluster.

Its address says where (`sc://host:15002/;use_ssl=true`); a token comes from the
environment. What can be written depends on the server: without Delta Lake there are
overwrite and append.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mdf_magics.engines import spark_messages
from mdf_magics.engines.browsing import Listing
from mdf_magics.engines.remote import CHANNEL_OPTIONS, RemoteConnection, open_session
from mdf_magics.engines.session_listing import SessionListing
from mdf_magics.engines.spark_connect import SparkConnectEngine
from mdf_magics.errors import EngineUnavailable, Problem

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"
"""The environment variable that holds a token; pyspark's own name for it."""

_ADDRESS = re.compile(r"sc://(?:[\w.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?(?:/(?:;.*)?)?")

_SETTINGS = {
    # As on serverless compute.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
}


class SparkEngine(SparkConnectEngine[RemoteConnection]):
    """An engine on a server that others run."""

    name = "spark"
    _read_message = staticmethod(spark_messages.read)

    def __init__(
        self, remote: str | None, catalog: str, timeout: float | None = None
    ) -> None:
        """Describe the engine; it connects with its first use.

        Args:
            remote: The server's address.
            catalog: The catalog that the target writes; `spark_catalog` is a server's
                own.
            timeout: Seconds after which a preview's query is interrupted.

        Raises:
            EngineUnavailable: The address is missing or can't be one.
        """
        if problem := wrong_address(remote):
            raise EngineUnavailable(problem)
        self._remote = remote or ""
        super().__init__(catalog, timeout)

    def _connect(self) -> RemoteConnection:
        from pyspark.sql.connect.client import DefaultChannelBuilder

        channel = DefaultChannelBuilder(self._remote, CHANNEL_OPTIONS)
        session = open_session(channel)
        where = self._remote.partition("/;")[0].removesuffix("/")
        hint = f"Is it running, and is  remote: {where}  right?"
        connection = RemoteConnection(session, f"the Spark server {where}", hint)
        try:
            _prepare(session)
        except BaseException as error:
            found = connection.explain(error)
            connection.end()
            if found:
                raise found from error
            raise
        return connection

    def _listing(self) -> Listing:
        return SessionListing(self)


def wrong_address(remote: str | None) -> Problem | None:
    """What is wrong with a server's address; never shows a token."""
    if not remote:
        message = "the target doesn't say where its Spark server is"
        hint = "Add its address:  remote: sc://host:15002"
        return Problem("missing-remote", message, hint)
    if ";token=" in remote:
        message = "a token stands in the server's address"
        hint = (
            f"Take  token=...  out of  remote  and put it into the environment variable"
            f" {TOKEN}. If it was committed, replace it by a new one."
        )
        return Problem("secret-in-clear", message, hint)
    if not _ADDRESS.fullmatch(remote):
        message = f'"{remote}" is no address of a Spark Connect server'
        hint = "It looks like  sc://host:15002  or  sc://host:443/;use_ssl=true ."
        return Problem("bad-remote", message, hint)
    return None


def _prepare(session: SparkSession) -> None:
    """Make the session compute as others do, and write Delta where the server can."""
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    extensions = session.conf.get("spark.sql.extensions", "") or ""
    if "DeltaSparkSessionExtension" in extensions:
        session.conf.set("spark.sql.sources.default", "delta")
