from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fullwell.cli import main

TOML = """
[detector]
shape = [20, 30]
gain = 1.0
read_noise = 3.0
[bias]
level = 100.0
[[sequence]]
type = "bias"
count = 2
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(TOML)
    return path


def call(*arguments):
    return CliRunner().invoke(main, ["simulate", *(str(argument) for argument in arguments)])


def test_a_scenario_file(scenario, tmp_path):
    result = call(scenario, "-o", tmp_path / "raw", "--seed", 5, "--workers", 2)
    assert result.exit_code == 0, result.output
    assert "wrote 2 raw frames of 30 x 20 pixels (2 bias)" in result.stdout
    assert (tmp_path / "raw" / "bias_002.fits").is_file()
    assert json.loads((tmp_path / "raw" / "truth.json").read_text())["seed"] == 5


def test_json(scenario, tmp_path):
    result = call(scenario, "-o", tmp_path / "raw", "--json")
    content = json.loads(result.stdout)
    assert content["files"] == ["bias_001.fits", "bias_002.fits"]
    assert content["written"] is True


def test_dry_run(tmp_path):
    result = call("--preset", "night", "-o", tmp_path / "raw", "--dry-run")
    assert result.exit_code == 0
    assert "would write 60 raw frames" in result.stdout
    assert not (tmp_path / "raw").exists()


def test_nothing_is_overwritten_unasked(scenario, tmp_path):
    assert call(scenario, "-o", tmp_path / "raw").exit_code == 0
    again = call(scenario, "-o", tmp_path / "raw")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert "there already" in call(scenario, "-o", tmp_path / "raw", "--dry-run").stdout
    assert call(scenario, "-o", tmp_path / "raw", "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("scenario.toml", "--preset", "night"),
        ("--preset", "nothing"),
        ("missing.toml",),
        ("--preset", "night", "--seed", "-1"),
    ],
)
def test_usage_errors(arguments, tmp_path):
    result = call(*arguments, "-o", tmp_path / "raw")
    assert result.exit_code == 2
    assert result.stderr
    assert not (tmp_path / "raw").exists()


def test_misspelt_key(scenario, tmp_path):
    scenario.write_text(TOML.replace("level", "levle"))
    result = call(scenario, "-o", tmp_path / "raw")
    assert result.exit_code == 2
    assert "did you mean 'level'" in result.stderr


def test_effects_of_a_scenario_file(scenario, tmp_path):
    scenario.write_text(TOML + "[effects.bias_wander]\nramp = 50.0\n")
    assert call(scenario, "-o", tmp_path / "raw").exit_code == 0
    effects = json.loads((tmp_path / "raw" / "truth.json").read_text())["effects"]
    assert {effect["class"]: effect for effect in effects}["BiasWander"]["ramp"] == 50.0
    scenario.write_text(TOML + "[effects.bias_wonder]\nramp = 50.0\n")
    assert "did you mean 'bias_wander'" in call(scenario, "-o", tmp_path / "raw").stderr


def test_all_presets_are_named_in_the_help():
    from fullwell.simulation import preset_scenarios

    said = call("--help").stdout.replace("\n", "").replace(" ", "")
    assert all(name in said for name in preset_scenarios())


def test_a_folder_that_cannot_be_made(scenario, tmp_path):
    (tmp_path / "raw").write_text("in the way")
    assert call(scenario, "-o", tmp_path / "raw" / "deeper").exit_code == 1


def test_help_is_light():
    heavy = "{'astropy', 'numpy', 'pydantic'}"
    code = (
        f"import sys; import fullwell.cli, fullwell.cli.simulate; print(sorted({heavy} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert seen.strip() == "[]"
