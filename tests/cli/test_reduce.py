from __future__ import annotations

import json
import random
import shutil
import signal
import time

import pytest
from click.testing import CliRunner

from fullwell.cli import main


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def reduced(raw):
    """The night, reduced without disturbance."""
    out = raw.parent / "out"
    result = call("reduce", raw, "-o", out)
    assert result.exit_code == 0, result.output
    return out, result


def test_what_is_said(reduced):
    out, result = reduced
    lines = result.stdout.splitlines()
    assert lines[0] == "found 5 bias, 5 dark, 5 flat, 3 science; 1 left alone as wished"
    assert "masters/bias-1x1-m10C.fits from 5 frames" in lines
    assert "calibrated/field_1.fits with bias-1x1-m10C, dark-1x1-m10C, flat-V-1x1-m10C" in lines
    assert f"report: {out / 'report.html'}" in lines
    assert (out / "report.html").is_file()


def test_json_is_all_there_is_on_stdout(raw, reduced, fullwell):
    out, _ = reduced
    seen = fullwell("reduce", raw, "-o", out, "--json")
    assert seen.returncode == 0
    assert json.loads(seen.stdout) == json.loads((out / "results.json").read_text())
    assert seen.stderr == ""


def test_json_where_nothing_is_usable(tmp_path):
    (tmp_path / "raw").mkdir()
    result = call("reduce", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["exit_code"] == 3
    assert "no FITS file found" in result.stderr


def test_dry_run(raw, tmp_path):
    result = call("reduce", raw, "-o", tmp_path / "out", "--dry-run")
    assert result.exit_code == 0
    assert "masters/bias-1x1-m10C.fits would be made from 5 frames" in result.stdout
    assert "8 tasks to do; nothing was written" in result.stdout
    assert not (tmp_path / "out").exists()
    seen = call("reduce", raw, "-o", tmp_path / "out", "--dry-run", "--json")
    assert len(json.loads(seen.stdout)["to_do"]) == 8


def test_exit_codes(raw, tmp_path):
    assert call("reduce", tmp_path / "nowhere", "-o", tmp_path / "out").exit_code == 2
    assert call("reduce", raw, "-o", raw / "bias_001.fits").exit_code == 2
    assert call("reduce", raw, "-o", tmp_path / "out", "--config", tmp_path / "no.toml").exit_code == 2
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "mine").write_text("")
    refused = call("reduce", raw, "-o", foreign)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[detectr]\ngain = 2.0", "did you mean 'detector'"),
        ("[detector]\ngian = 2.0", "did you mean 'gain'"),
        ("[frames]\nflatt = 'f*'", "did you mean 'flat'"),
        ("[detector]\ngain = -1.0", "detector.gain"),
        ("[combine]\nclip = inf", "combine.clip"),
        ("[detector]\npreset = 'sbig'", "detector.preset = 'sbig'"),
        ("gain = ", "not valid TOML"),
    ],
)
def test_misspelt_and_impossible_configurations(raw, tmp_path, text, hint):
    (tmp_path / "reduce.toml").write_text(text)
    result = call("reduce", raw, "-o", tmp_path / "out", "--config", tmp_path / "reduce.toml")
    assert result.exit_code == 2
    assert hint in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_removed_is_said(raw, reduced, tmp_path):
    shutil.copytree(raw, tmp_path / "raw")
    shutil.copytree(reduced[0], tmp_path / "out")
    (tmp_path / "raw" / "field_2.fits").unlink()
    result = call("reduce", tmp_path / "raw", "-o", tmp_path / "out")
    assert "removed: calibrated/field_2.fits: nothing asks for it any more" in result.stdout


def test_no_report(raw, tmp_path):
    result = call("reduce", raw, "-o", tmp_path / "out", "--no-report")
    assert result.exit_code == 0
    assert not any(line.startswith("report") for line in result.stdout.splitlines())
    assert not (tmp_path / "out" / "report.html").exists()


def test_names_that_are_no_text(raw, tmp_path, fullwell):
    shutil.copytree(raw, tmp_path / "raw")
    name = b"field_\xff.fits".decode(errors="surrogateescape")
    (tmp_path / "raw" / "field_1.fits").rename(tmp_path / "raw" / name)
    seen = fullwell("reduce", tmp_path / "raw", "-o", tmp_path / "out")
    assert seen.returncode == 0, seen.stderr
    assert r"calibrated/field_\udcff.fits" in seen.stdout
    assert (tmp_path / "out" / "calibrated" / name).is_file()


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_moment_and_run_again(raw, reduced, tmp_path, start, fullwell, tree, seed):
    rng = random.Random(seed)
    process = start("reduce", raw, "-o", tmp_path / "out", "--workers", "2")
    # From the moment the first looks are remembered to the end are some tenths of a second.
    memory = tmp_path / "out" / ".fullwell"
    wanted = rng.randrange(1, 30)
    while process.poll() is None and len(list(memory.glob("*.json"))) < wanted:
        time.sleep(0.002)
    time.sleep(0.02 * rng.random())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = fullwell("reduce", raw, "-o", tmp_path / "out")
    assert again.returncode == 0, again.stderr
    assert tree(tmp_path / "out") == tree(reduced[0])
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_interrupted(raw, reduced, tmp_path, start, fullwell, tree):
    process = start("reduce", raw, "-o", tmp_path / "out", "--workers", "1")
    while process.poll() is None and not list((tmp_path / "out" / ".fullwell").glob("look*.json")):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines() == [
        "fullwell reduce: interrupted; what is finished stays, the same command goes on from there"
    ]
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert fullwell("reduce", raw, "-o", tmp_path / "out").returncode == 0
    assert tree(tmp_path / "out") == tree(reduced[0])


def test_a_broken_pipe_is_quiet(raw, reduced, start):
    process = start("reduce", raw, "-o", reduced[0])
    process.stdout.close()
    stderr = process.stderr.read()
    process.wait()
    process.stderr.close()
    assert "Traceback" not in stderr
    assert "not foreseen" not in stderr
    assert process.returncode in (0, 1)
