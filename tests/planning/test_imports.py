"""Imports of a part stand as ruff sorts them, each once."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from mdf_magics.planning.imports import import_block
from tests.planning.formatting import ruff

MODULES = st.sampled_from(
    [
        "json",
        "os",
        "os.path",
        "a10",
        "a9",
        "Alpha",
        "pyspark.sql",
        "pyspark",
        "pyspark.sql.types",
    ]
)
NAMES = st.sampled_from(
    ["Row", "B10", "B9", "col", "_lit", "F", "A_RATHER_LONG_NAME", "and_this_too"]
)
STATEMENTS = st.lists(
    st.builds("import {}".format, MODULES)
    | st.builds("import {} as m".format, MODULES)
    | st.builds("from {} import {}".format, MODULES, NAMES)
    | st.builds("from {} import {} as n".format, MODULES, NAMES)
    | st.just("from __future__ import annotations"),
    min_size=1,
    max_size=15,
)


@given(STATEMENTS)
@example(
    [f"from m import {name}" for name in ("B10", "col", "B9", "Row", "_lit", "MAX")]
)
def test_block_is_sorted_as_ruff_sorts_it(statements: list[str]) -> None:
    block = import_block(statements)

    assert ruff(f"{block}\nTABLES = {{}}\n", "check", "--select", "I") == ""
    assert import_block(reversed([*statements, *statements])) == block


def test_names_of_one_module_share_a_line_but_for_those_that_get_another() -> None:
    block = import_block(
        [
            "from pyspark.sql import functions as F",
            "from pyspark.sql import SparkSession",
            "import mdf_runtime",
            "from pyspark.sql import DataFrame",
            "import json",
        ]
    )

    assert block == (
        "import json\n"
        "\n"
        "import mdf_runtime\n"
        "from pyspark.sql import DataFrame, SparkSession\n"
        "from pyspark.sql import functions as F\n"
    )
