"""What the verbs of a project return, as text and as JSON.

Every result has `text()`, which is what a terminal shows and the `text/plain` twin of
every rich output, and `to_json()`, whose shape is documented and stable.
"""

from mdf_magics.results.column_graph import GraphedColumns, columns_of
from mdf_magics.results.defining import (
    Added,
    AddedAll,
    Changed,
    CompiledFiles,
    Definition,
    ShownQuery,
    Validated,
    columns_shown,
)
from mdf_magics.results.graph import Graphed, graph_of
from mdf_magics.results.grouping import Regrouped, ShownGroup, ShownPart
from mdf_magics.results.listing import Listed, ListedTable, listed
from mdf_magics.results.previewing import Previewed
from mdf_magics.results.protocol import Message, Result, failure_of, formatted
from mdf_magics.results.running import Ran, Status, TableStatus, failures
from mdf_magics.results.state import Exported, History, StateRebuilt, StateShown
from mdf_magics.results.testing import Frozen, RanTests

__all__ = [
    "Added",
    "AddedAll",
    "Changed",
    "CompiledFiles",
    "Definition",
    "Exported",
    "Frozen",
    "Graphed",
    "GraphedColumns",
    "History",
    "Listed",
    "ListedTable",
    "Message",
    "Previewed",
    "Ran",
    "RanTests",
    "Regrouped",
    "Result",
    "ShownGroup",
    "ShownPart",
    "ShownQuery",
    "StateRebuilt",
    "StateShown",
    "Status",
    "TableStatus",
    "Validated",
    "columns_of",
    "columns_shown",
    "failure_of",
    "failures",
    "formatted",
    "graph_of",
    "listed",
]
