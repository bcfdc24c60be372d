"""The one file to change: where this example's tables are made.

On Databricks name a catalog that you may make schemas in.
"""

from IPython import get_ipython

from mdf_magics import Project

CATALOG = "main"
SCHEMA_PREFIX = "dlt_demo_"

shell = get_ipython()
shell.run_line_magic("load_ext", "mdf_magics")
shell.run_line_magic("mdf_init", f"--catalog {CATALOG} --schema-prefix {SCHEMA_PREFIX}")
project = Project.find()
