"""Which homes a table fits: the table in DESIGN 5, row by row."""

from __future__ import annotations

import pytest

from mdf_magics.planning.fitting import fits
from tests.planning.plans import PROJECT, plan, shown

FILES = "{type: files, value: {path: /x, format: csv}}"
STREAM = "{type: stream, value: r.x}"
TABLE = "{type: table, value: r.x}"
PIPELINE = f"{PROJECT}groups: {{s: {{runs_on: pipeline}}}}\n"

JOB, PIPE = ["job"], ["pipeline"]
BOTH = JOB + PIPE
NEITHER: list[str] = []

ROWS = [
    ("overwrite", TABLE, "", BOTH),
    ("overwrite", FILES, "", BOTH),
    ("overwrite", STREAM, "", NEITHER),
    ("append", FILES, "", BOTH),
    ("append", STREAM, "", PIPE),
    ("append", STREAM, "watermark: at", BOTH),
    ("append", TABLE, "", NEITHER),
    ("merge", STREAM, "keys: [id], sequence_by: at", BOTH),
    ("merge", STREAM, "keys: [id]", NEITHER),
    ("merge", TABLE, "keys: [id]", JOB),
    ("merge", TABLE, "keys: [id], sequence_by: at", JOB),
    ("merge", STREAM, "sequence_by: at", NEITHER),
    ("merge", FILES, "keys: [id], sequence_by: at", NEITHER),
    ("scd2", STREAM, "keys: [id], sequence_by: at", BOTH),
    ("scd2", STREAM, "keys: [id]", NEITHER),
    ("scd2", STREAM, "sequence_by: at", NEITHER),
    ("scd2", TABLE, "keys: [id], sequence_by: at", NEITHER),
    ("scd2", FILES, "keys: [id], sequence_by: at", NEITHER),
    ("view", TABLE, "", BOTH),
    ("view", FILES, "", NEITHER),
    ("view", STREAM, "", NEITHER),
    ("view", TABLE, "expectations: [{name: a, check: id > 0}]", NEITHER),
]


def named(row: tuple[str, str, str, list[str]]) -> str:
    write, source, keys, _ = row
    kind = source.removeprefix("{type: ").partition(",")[0]
    return f"{write} {kind} {keys}".strip()


@pytest.mark.parametrize(
    ("write", "source", "keys", "homes"), ROWS, ids=map(named, ROWS)
)
def test_homes_that_a_write_fits(
    write: str, source: str, keys: str, homes: list[str]
) -> None:
    more = f", {keys}" if keys else ""

    planned = plan(
        f"- {{name: s.t, write: {write}{more}, parameters: {{source: {source}}},"
        " sql: 'SELECT * FROM {{ source }}'}"
    )

    reasons = fits(planned.tables["s.t"], planned.tables)
    assert [home for home in reasons if not reasons[home]] == homes
    assert [one.code for one in planned.errors] == (
        [] if "job" in homes else ["unfit-for-job"]
    )


@pytest.mark.parametrize("write", ["append", "merge", "scd2"])
def test_two_streams_fit_nowhere(write: str) -> None:
    planned = plan(
        f"- {{name: s.t, write: {write}, keys: [id], sequence_by: at, watermark: at,"
        f" parameters: {{a: {STREAM}, b: {STREAM}}},"
        " sql: 'SELECT * FROM {{ a }} UNION ALL SELECT * FROM {{ b }}'}"
    )

    reasons = fits(planned.tables["s.t"], planned.tables)
    assert all(reasons.values())


def test_python_makes_tables_but_no_views() -> None:
    body = "python: |\n  def t(spark):\n      return spark.range(3)"

    made = plan("- {name: s.t, transformation: t}", t=body)
    view = plan("- {name: s.t, write: view, transformation: t}", t=body)

    assert made.problems == ()
    assert [one.hint for one in view.problems] == ["write: view takes a SQL body."]


def test_reason_and_the_home_that_fits_are_told() -> None:
    planned = plan(
        """
        - name: s.t
          write: merge
          keys: [id]
          sql: SELECT * FROM r.x
        """,
        project=PIPELINE,
    )

    assert shown(planned.problems) == (
        "unfit-for-pipeline: s.t does not fit a pipeline, on which its group s runs\n"
        "  definitions/tables/t.yml:2:3\n"
        "    2 | - name: s.t\n"
        "      |   ^^^^\n"
        "  write: merge on a pipeline needs one stream argument and sequence_by. Fits: job."
    )


class TestStreams:
    def tables(self, write: str) -> str:
        return f"""
        - {{name: r.x, write: {write}, keys: [id], sequence_by: at, parameters: {{s: {STREAM.replace("r.x", "o.y")}}}, watermark: at, sql: "SELECT * FROM {{{{ s }}}}"}}
        - name: s.t
          write: append
          watermark: at
          parameters: {{source: {STREAM}}}
          sql: SELECT * FROM {{{{ source }}}}
        """

    def test_one_of_appends_is_fine(self) -> None:
        assert plan(self.tables("append")).problems == ()
        assert plan(self.tables("append"), project=PIPELINE).problems == ()

    def test_one_of_changes_is_a_warning_on_a_job(self) -> None:
        planned = plan(self.tables("merge"))

        assert shown(planned.problems) == (
            "warning: stream-of-changes: s.t reads r.x as a stream, but that is written by merge\n"
            "  definitions/tables/t.yml:3:3\n"
            "    3 | - name: s.t\n"
            "      |   ^^^^\n"
            "  Rows that change there are not seen again here; a pipeline refuses it."
        )

    def test_one_of_changes_is_an_error_on_a_pipeline(self) -> None:
        planned = plan(self.tables("merge"), project=PIPELINE)

        assert [one.code for one in planned.problems] == ["unfit-for-pipeline"]
        assert (
            "a stream can't read r.x, which is written by merge"
            in planned.problems[0].hint
        )


class TestExpectations:
    def test_two_of_one_name_are_refused(self) -> None:
        planned = plan(
            "- {name: s.t, expectations: [{name: a, check: x > 0}, {name: a, check: x > 1}], sql: SELECT 1 AS x}"
        )

        assert [one.message for one in planned.problems] == [
            'there are two expectations "a"'
        ]

    @pytest.mark.parametrize(
        ("check", "expected"),
        [
            pytest.param("x >", "the check of a does not parse", id="no SQL"),
            pytest.param(
                "x > 0; y", "the check of a is more than one expression", id="two"
            ),
            pytest.param("x, y", "the check of a is not one expression", id="list"),
            pytest.param(
                "count(*) > 0", "the check of a has an aggregate", id="aggregate"
            ),
            pytest.param(
                "x IN (SELECT y FROM r.z)",
                "the check of a has a subquery",
                id="subquery",
            ),
            pytest.param(
                "row_number() OVER (ORDER BY x) = 1",
                "the check of a has a",
                id="window",
            ),
        ],
    )
    def test_check_is_one_expression_for_each_row(
        self, check: str, expected: str
    ) -> None:
        planned = plan(
            f'- {{name: s.t, expectations: [{{name: a, check: "{check}"}}], sql: SELECT 1 AS x}}'
        )

        assert [one.code for one in planned.problems] == ["bad-expectation"]
        assert planned.problems[0].message.startswith(expected)


class TestGroups:
    def test_unlisted_one_with_almost_a_listed_name_is_one_warning(self) -> None:
        planned = plan(
            """
            - {name: s.a, group: sivler, sql: SELECT 1 AS x}
            - {name: s.b, group: sivler, sql: SELECT 1 AS x}
            """,
            project=f"{PROJECT}groups: {{silver: {{runs_on: pipeline}}}}\n",
        )

        assert shown(planned.problems) == (
            'warning: close-group-name: the group "sivler" is not listed, so it runs on a job\n'
            "  definitions/tables/t.yml:2:22\n"
            "    2 | - {name: s.a, group: sivler, sql: SELECT 1 AS x}\n"
            "      |                      ^^^^^^\n"
            '  Did you mean "silver"?'
        )

    @pytest.mark.parametrize(
        "name",
        [
            "all",
            "mdf_runtime",
            "json",
            "pyspark",
            "Silver",
            "a__b",
            "a_",
            "../x",
            "a b",
            "1a",
        ],
    )
    def test_names_that_can_be_no_groups_are_refused(self, name: str) -> None:
        planned = plan(f'- {{name: s.a, group: "{name}", sql: SELECT 1 AS x}}')

        assert [one.code for one in planned.errors] == ["bad-name"]

    def test_schema_that_can_be_no_group_wants_one_named(self) -> None:
        planned = plan("- {name: secrets.a, sql: SELECT 1 AS x}")

        assert shown(planned.errors).splitlines()[-1] == "  Give secrets.a a  group: ."
        assert plan("- {name: secrets.a, group: g, sql: SELECT 1 AS x}").problems == ()
