from __future__ import annotations

import pytest

from fullwell import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_ours_and_a_builtin(name):
    kind = getattr(errors, name)
    if issubclass(kind, Warning):
        assert issubclass(kind, UserWarning)
        return
    assert issubclass(kind, errors.FullwellError)
    builtin = [base for base in kind.__mro__ if base.__module__ == "builtins" and base is not Exception]
    assert name == "FullwellError" or len(builtin) > 2


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "FullwellWarning"])
def test_every_error_stands_in_the_tree_of_the_module(name):
    assert f" {name} " in errors.__doc__ or errors.__doc__.split("::")[1].lstrip().startswith(name)


def test_messages_say_what_was_seen_and_what_is_allowed():
    error = errors.ParameterError("gain", -1, "above 0 e-/ADU")
    assert str(error) == "gain = -1 is not possible: above 0 e-/ADU"
    assert (error.name, error.value) == ("gain", -1)
    problem = errors.CorruptFile("a.fits", "truncated")
    assert str(problem) == "a.fits: truncated"
    assert (problem.path, problem.reason) == ("a.fits", "truncated")
