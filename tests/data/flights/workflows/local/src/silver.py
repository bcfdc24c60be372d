# Written by mdf from definitions/ (part silver, target local). Edit those, not this.
import mdf_runtime
from pyspark.sql import SparkSession


def changes(source, columns, changed_at, since):
    return f"""
SELECT {columns}, {changed_at}
FROM {source}
WHERE {changed_at} >= {since}
"""


def names(source, code, name):
    return rf"""
SELECT DISTINCT {code}, regexp_replace(trim({name}), '\\s+', ' ') AS {name}
FROM {source}
"""


def silver__flights(source):
    return f"""
SELECT carrier, flight, tailnum, origin, dest, to_date(time_hour) AS day, dep_delay, arr_delay, loaded_at
FROM {source}
"""


TABLES = {
    "silver.airlines": {
        "home": "main.silver.airlines",
        "write": "overwrite",
        "sql": names,
        "arguments": {
            "source": "`main`.`bronze`.`airlines`",
            "code": "`carrier`",
            "name": "`name`",
        },
        "expectations": [
            {"name": "has_name", "check": "name <> ''", "on_failure": "warn"},
        ],
    },
    "silver.airports": {
        "home": "main.silver.airports",
        "write": "overwrite",
        "sql": names,
        "arguments": {
            "source": "`main`.`bronze`.`airports`",
            "code": "`faa`",
            "name": "`name`",
        },
        "expectations": [
            {"name": "has_name", "check": "name <> ''", "on_failure": "warn"},
        ],
    },
    "silver.flights": {
        "home": "main.silver.flights",
        "write": "append",
        "sql": silver__flights,
        "arguments": {"source": {"stream": "main.bronze.flights"}},
        "expectations": [
            {
                "name": "has_carrier",
                "check": "carrier IS NOT NULL",
                "on_failure": "quarantine",
            },
            {"name": "has_plane", "check": "tailnum IS NOT NULL", "on_failure": "drop"},
            {
                "name": "departed",
                "check": "dep_delay IS NOT NULL",
                "on_failure": "warn",
            },
        ],
    },
    "silver.planes": {
        "home": "main.silver.planes",
        "write": "merge",
        "keys": ["tailnum"],
        "sequence_by": "changed_at",
        "sql": changes,
        "arguments": {
            "source": {"stream": "main.bronze.planes"},
            "columns": "`tailnum`, `model`, `seats`",
            "changed_at": "`changed_at`",
            "since": "DATE '2013-01-01'",
        },
        "expectations": [
            {"name": "has_seats", "check": "seats > 0", "on_failure": "drop"},
        ],
    },
    "silver.planes_history": {
        "home": "main.silver.planes_history",
        "write": "scd2",
        "keys": ["tailnum"],
        "sequence_by": "changed_at",
        "sql": changes,
        "arguments": {
            "source": {"stream": "main.bronze.planes"},
            "columns": "`tailnum`, `model`, `seats`",
            "changed_at": "`changed_at`",
            "since": "DATE '2013-01-01'",
        },
    },
}

mdf_runtime.register(SparkSession.active(), TABLES)
