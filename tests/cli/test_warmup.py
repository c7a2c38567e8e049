from __future__ import annotations

from click.testing import CliRunner

from fullwell.cli import main


def test_everything_is_compiled_and_then_nothing_is_left_to_compile():
    assert CliRunner().invoke(main, ["warmup"]).exit_code == 0

    from fullwell.kernels.combine_floats_compiled import combine_floats
    from fullwell.kernels.combine_integers_compiled import combine_integers

    kinds = len(combine_floats.signatures), len(combine_integers.signatures)
    assert min(kinds) >= 1
    assert CliRunner().invoke(main, ["warmup"]).exit_code == 0
    assert (len(combine_floats.signatures), len(combine_integers.signatures)) == kinds == (1, 1)
