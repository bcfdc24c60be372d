"""`python -m mdf_magics` is the command `mdf`."""

from mdf_magics.cli import main

main(prog_name="mdf")
