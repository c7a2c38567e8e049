from __future__ import annotations

import tomllib

from click.testing import CliRunner

from fullwell.cli import main
from fullwell.config import load_config
from fullwell.night import ReduceConfig


def test_the_file_is_the_default_configuration(tmp_path):
    result = CliRunner().invoke(main, ["config"])
    assert result.exit_code == 0
    path = tmp_path / "reduce.toml"
    path.write_text(result.stdout)
    assert load_config(path, ReduceConfig) == ReduceConfig()
    assert set(tomllib.loads(result.stdout)) == set(ReduceConfig.model_fields)


def test_every_key_is_there_and_explained():
    lines = CliRunner().invoke(main, ["config"]).stdout.splitlines()
    for name, field in ReduceConfig.model_fields.items():
        assert f"[{name}]" in lines
        table = field.get_default(call_default_factory=True)
        if name == "frames":
            continue
        for key, entry in type(table).model_fields.items():
            place = next(i for i, line in enumerate(lines) if line.removeprefix("# ").startswith(f"{key} ="))
            assert lines[place - 1] == f"# {entry.description}"
