"""Python functions on rows run in the server, and fail in the user's own words."""

from __future__ import annotations

import linecache
import sys
from typing import Any

import pandas as pd  # noqa: TC002 - the server looks at a function's annotations
import pytest

from mdf_magics.engines.worker import REQUIREMENT, worker_folder
from mdf_magics.errors import EngineError


def problem_of(engine, build):
    with pytest.raises(EngineError) as raised:
        engine.preview(build, 5)
    [problem] = raised.value.problems
    return problem


def test_a_python_udf(engine):
    def build(spark):
        from pyspark.sql.functions import udf

        return spark.range(3).select(udf(lambda n: f"<{n}>", "string")("id").alias("s"))

    assert engine.preview(build, 5).rows == (("<0>",), ("<1>",), ("<2>",))


def test_a_python_udf_in_sql(engine):
    def build(spark):
        spark.udf.register("twice", lambda n: 2 * n, "bigint")
        return spark.sql("SELECT twice(id) AS n FROM range(3)")

    assert engine.preview(build, 5).rows == ((0,), (2,), (4,))


def test_a_pandas_udf(engine):
    def build(spark):
        from pyspark.sql.pandas.functions import pandas_udf

        def plus_one(values: pd.Series) -> pd.Series:
            return values + 1

        applied = pandas_udf(plus_one, "bigint")  # type: ignore[call-overload]
        return spark.range(3).select(applied("id").alias("n"))

    assert engine.preview(build, 5).rows == ((1,), (2,), (3,))


def test_map_in_pandas(engine):
    def build(spark):
        def halves(batches):
            for batch in batches:
                yield batch.assign(half=batch["id"] / 2)

        return spark.range(3).mapInPandas(halves, "id bigint, half double")

    assert engine.preview(build, 5).rows == ((0, 0.0), (1, 0.5), (2, 1.0))


def test_apply_in_pandas(engine):
    def build(spark):
        def count(group):
            return group.head(1).assign(n=len(group))

        keyed = spark.range(5).selectExpr("id % 2 AS id")
        counted = keyed.groupBy("id").applyInPandas(count, "id bigint, n bigint")
        return counted.orderBy("id")

    assert engine.preview(build, 5).rows == ((0, 3), (1, 2))


def test_functions_find_the_modules_that_the_kernel_finds(
    new_engine, tmp_path, monkeypatch
):
    (tmp_path / "project_rules.py").write_text("def rule(n):\n    return n * 100\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def build(spark):
        import project_rules  # type: ignore[import-not-found]
        from pyspark.sql.functions import udf

        return spark.range(2).select(udf(project_rules.rule, "bigint")("id").alias("n"))

    assert new_engine().preview(build, 5).rows == ((0,), (100,))


def test_what_a_function_prints_does_not_stop_the_server(new_engine):
    """A pipe that nobody reads holds 64 KB."""

    def build(spark):
        from pyspark.sql.functions import udf

        def loud(n):
            print("x" * 200_000)
            return n

        return spark.range(1).select(udf(loud, "bigint")("id").alias("n"))

    assert new_engine().preview(build, 5).rows == ((0,),)


def test_an_exception_on_rows_shows_its_message_and_the_users_line(engine):
    def build(spark):
        from pyspark.sql.functions import udf

        @udf("int")
        def ratio(n):
            return 1 // n

        return spark.range(3).select(ratio("id"))

    problem = problem_of(engine, build)
    assert problem.code == "python-error"
    assert problem.message == ("ZeroDivisionError: integer division or modulo by zero")
    line = build.__code__.co_firstlineno + 5
    assert problem.hint == f"In ratio, line {line}:  return 1 // n"


def test_lines_of_libraries_are_not_the_users(engine):
    """The last lines of this one are in pandas, and it is raised from another one."""

    def build(spark):
        def pick(batches):
            for batch in batches:
                yield batch[["nothing"]]

        return spark.range(3).mapInPandas(pick, "id bigint")

    problem = problem_of(engine, build)
    assert problem.message.startswith("KeyError: ")
    assert problem.hint.endswith('yield batch[["nothing"]]')


def test_a_message_of_several_lines_becomes_one(engine):
    class Unhappy(Exception):
        pass

    def build(spark):
        from pyspark.sql.functions import udf

        def fail(n):
            message = "first\n  second\n\nthird"
            raise Unhappy(message)

        return spark.range(3).select(udf(fail, "int")("id"))

    assert problem_of(engine, build).message == "Unhappy: first second third"


def test_the_line_of_a_notebooks_cell_comes_from_the_kernel(engine):
    """The server can't read a cell; the kernel keeps its text in linecache."""
    cell = "def late(n):\n    return n.upper()\n"
    name = "/tmp/ipykernel_1/42.py"
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(cell, name, "exec"), namespace)
    linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)

    def build(spark):
        from pyspark.sql.functions import udf

        return spark.range(3).select(udf(namespace["late"], "string")("id"))

    problem = problem_of(engine, build)
    assert problem.message == "AttributeError: 'int' object has no attribute 'upper'"
    assert problem.hint == "In late, line 2:  return n.upper()"


def test_an_exception_while_the_dataframe_is_built(engine):
    def build(spark):
        options = {"header": True}
        return spark.read.csv(options["path"])

    problem = problem_of(engine, build)
    assert (problem.code, problem.message) == ("python-error", "KeyError: 'path'")
    line = build.__code__.co_firstlineno + 2
    assert (
        problem.hint
        == f'In build, line {line}:  return spark.read.csv(options["path"])'
    )


def test_a_wrong_call_of_pyspark_points_to_the_users_line(engine):
    def build(spark):
        return spark.table(3)

    problem = problem_of(engine, build)
    assert problem.message.startswith("PySparkTypeError: ")
    assert problem.hint.endswith("return spark.table(3)")


def test_without_the_worker_sql_runs_and_functions_say_what_to_install(
    new_engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    engine = new_engine()
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)

    def build(spark):
        from pyspark.sql.functions import udf

        return spark.range(3).select(udf(lambda n: n, "int")("id"))

    problem = problem_of(engine, build)
    assert problem.code == "missing-worker"
    assert problem.hint.endswith(
        f"pip install --target {worker_folder()} --no-deps {REQUIREMENT}"
    )
