"""What is there before anything runs: choosing an engine is cheap and needs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.definitions.models import Target
from mdf_magics.engines import connect
from mdf_magics.errors import EngineUnavailable

EMBEDDED = Target(engine="embedded", catalog="main")


HEAVY = "databricks, grpc, numpy, pandas, pyarrow, pysail, pyspark, sqlglot"


def test_importing_and_choosing_an_engine_imports_nothing_heavy(start_python):
    process = start_python(
        "import sys\n"
        "from pathlib import Path\n"
        "import mdf_magics.engines.embedded\n"
        "from mdf_magics.definitions.models import Target\n"
        "from mdf_magics.engines import connect\n"
        "engine = connect(Target(engine='embedded', catalog='main'), warehouse=Path('warehouse'))\n"
        "engine.close()\n"
        f"print(sorted(set('{HEAVY}'.split(', ')) & set(sys.modules)))\n"
    )
    output, errors = process.communicate()
    assert (output, errors) == ("[]\n", "")


def test_choosing_an_engine_starts_and_writes_nothing(tmp_path: Path):
    engine = connect(EMBEDDED, warehouse=tmp_path / "warehouse")
    engine.cancel()
    engine.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["pysail", "pyspark"])
def test_without_the_extra_the_command_that_installs_it_is_shown(missing, start_python):
    process = start_python(
        "import sys\n"
        f"sys.modules['{missing}'] = None\n"
        "from pathlib import Path\n"
        "from mdf_magics.definitions.models import Target\n"
        "from mdf_magics.engines import connect\n"
        "from mdf_magics.errors import EngineUnavailable\n"
        "engine = connect(Target(engine='embedded', catalog='main'), warehouse=Path('warehouse'))\n"
        "try: engine.preview('SELECT 1', 1)\n"
        "except EngineUnavailable as error: print(error)\n"
    )
    output, errors = process.communicate()
    assert errors == ""
    assert output == (
        "missing-extra: the embedded engine needs databricks-connect and pysail\n"
        "  Run this in a shell, then restart the kernel:"
        '  pip install "mdf_magics[connect]"\n'
    )


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        (None, "the target doesn't say where its Spark server is"),
        (
            "localhost:15002",
            '"localhost:15002" is no address of a Spark Connect server',
        ),
        ("sc://host:15002/path", '"sc://host:15002/path" is no address'),
        ("sc://", '"sc://" is no address'),
        ("sc://host:port", '"sc://host:port" is no address'),
        ("sc://host:443/;use_ssl=true;token=abc", "a token stands in the"),
    ],
)
def test_a_wrong_address_is_refused_before_anything_is_imported(remote, message):
    target = Target(engine="spark", catalog="main", remote=remote)
    with pytest.raises(EngineUnavailable) as raised:
        connect(target, warehouse=Path("warehouse"))
    [problem] = raised.value.problems
    assert problem.message.startswith(message)
    assert problem.hint
    assert "abc" not in str(problem)
