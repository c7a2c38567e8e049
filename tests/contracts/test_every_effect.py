"""No effect goes without a contract."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import fullwell.effects
from fullwell.effects import Effect


def effects_of_the_package() -> set[str]:
    """Names of all classes in `fullwell.effects` that are effects."""
    found = set()
    for module in pkgutil.iter_modules(fullwell.effects.__path__):
        for name, value in vars(importlib.import_module(f"fullwell.effects.{module.name}")).items():
            if isinstance(value, type) and issubclass(value, Effect) and value is not Effect:
                found.add(name)
    return found


def effects_under_contract() -> set[str]:
    """What stands behind ``effect =`` in the classes of this folder."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            for line in node.body:
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "effect":
                    found.add(ast.unparse(line.value))
    return found


def test_every_effect_has_a_contract():
    existing, tested = effects_of_the_package(), effects_under_contract()
    assert len(existing) > 20
    assert not existing - tested, "effects without a contract class"
    assert not tested - existing, "contract classes for effects that are not in fullwell.effects"
