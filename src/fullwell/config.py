"""Configuration files: TOML in, validated models out, misspelt keys refused with the nearest known one."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from fullwell.errors import ConfigError, UnreadableFile

__all__ = ["ConfigModel", "config_hash", "load_config", "parse_config", "read_toml"]


class ConfigModel(BaseModel):
    """Base of all configuration tables: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=ConfigModel)


def read_toml(path: Path | str) -> dict[str, Any]:
    """Read one TOML file.

    Raises
    ------
    UnreadableFile
        If there is no such file or it may not be read.
    ConfigError
        If it is not TOML, or has a key twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a text file in UTF-8") from error
    except OSError as error:
        raise UnreadableFile(path, f"cannot be read ({error.strerror})") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def load_config(path: Path | str, model: type[M]) -> M:
    """Read a TOML file into `model`.

    Raises
    ------
    UnreadableFile, ConfigError
        As `read_toml` and `parse_config`.
    """
    return parse_config(read_toml(path), model, source=str(path))


def parse_config(values: dict[str, Any], model: type[M], *, source: str = "configuration") -> M:
    """Validate a nested dictionary.

    Raises
    ------
    ConfigError
        With one line a problem: where, what was seen, what is allowed, and the nearest known key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [_explain(problem, model) for problem in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(lines)) from error


def config_hash(config: BaseModel) -> str:
    """First 16 hex digits of the SHA-256 of the resolved configuration."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _explain(problem: Any, model: type[BaseModel]) -> str:
    where = [str(part) for part in problem["loc"]]
    if problem["type"] != "extra_forbidden":
        return f"{'.'.join(where)}: {problem['msg']}, seen {problem['input']!r}"
    known = _keys_at(model, where[:-1])
    nearest = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.5)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"known keys: {', '.join(sorted(known))}"
    return f"{'.'.join(where)}: unknown key, {hint}"


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        field = model.model_fields.get(part)
        candidates = [] if field is None else [field.annotation, *_nested_args(field.annotation)]
        nested = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if nested is not None:
            model = nested
    return list(model.model_fields)


def _nested_args(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for arg in get_args(annotation):
        found += [arg, *_nested_args(arg)]
    return found
