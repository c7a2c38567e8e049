"""No effect goes without a contract, and none that is measured without its pulls looked at."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import fullwell.effects
from fullwell.effects import Effect

#: Effects with a verb `measure` that states no errors of its own, and why.
WITHOUT_PULLS = {
    "Defects": "refuses, and says where defects come from",
    "CorrelatedNoise": "errors from the scatter between pairs, held to many trials in tests/effects",
}


def effects_of_the_package() -> dict[str, type[Effect]]:
    """All classes in `fullwell.effects` that are effects, by name."""
    found = {}
    for module in pkgutil.iter_modules(fullwell.effects.__path__):
        for name, value in vars(importlib.import_module(f"fullwell.effects.{module.name}")).items():
            if isinstance(value, type) and issubclass(value, Effect) and value is not Effect:
                found[name] = value
    return found


def contracts() -> dict[str, set[str]]:
    """What stands behind ``effect =`` in the classes of this folder, and which names they set."""
    found = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            assigned = {
                target.id: line.value
                for line in node.body
                if isinstance(line, ast.Assign)
                for target in line.targets
                if isinstance(target, ast.Name)
            }
            if "effect" in assigned:
                found[ast.unparse(assigned["effect"])] = set(assigned)
    return found


def test_every_effect_has_a_contract():
    existing, tested = set(effects_of_the_package()), set(contracts())
    assert len(existing) > 20
    assert not existing - tested, "effects without a contract class"
    assert not tested - existing, "contract classes for effects that are not in fullwell.effects"


def test_whatever_is_measured_has_its_pulls_checked():
    effects = effects_of_the_package()
    can = {name for name, effect in effects.items() if effect.measure.__func__ is not Effect.measure.__func__}
    checked = {name for name, said in contracts().items() if "measurable" in said}
    assert can - checked == set(WITHOUT_PULLS)
    assert not checked - can
