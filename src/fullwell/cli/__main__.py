"""``python -m fullwell.cli``: the command line without its script."""

from fullwell.cli import main

main(prog_name="fullwell")
