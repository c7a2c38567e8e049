"""What the documentation says is so: its code runs; its options, keys and rooms are those of the program."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import runpy
import subprocess
import sys
import typing
from pathlib import Path

import click
import numpy as np
import pytest
from pydantic import BaseModel

import fullwell as fw
from fullwell.cli import COMMANDS, main
from fullwell.config import parse_config
from fullwell.detector.presets import preset_names
from fullwell.effects import Effect, Stage
from fullwell.night import ReduceConfig
from fullwell.simulation import Scenario, simulate
from fullwell.simulation.scenario import preset_scenarios

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *PAGES]
}
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks(page, language):
    """Fenced blocks of one language: (title, text)."""
    return [(title, text) for kind, title, text in BLOCK.findall(TEXTS[page]) if kind == language]


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """The frames that the pages speak of: one camera, no overscan, 1.5 e-/ADU."""
    common = {"type": "dark", "count": 5, "name": "dark_{exposure_time}s_{number:03d}.fits"}
    flats = {"type": "flat", "count": 5, "filter": "V", "exposure_time": 5.0, "lamp": 5000.0}
    scenario = {
        "detector": {"shape": [64, 64], "gain": 1.5, "read_noise": 8.0},
        "bias": {"level": 1000.0},
        "dark": {"rate": 0.1, "offset": 1.0},
        "flat": {"V": {"vignetting": 0.1, "pixel_response": 0.01}},
        "sky": {"V": {"level": 10.0}},
        "sequence": [
            {"type": "bias", "count": 5},
            common | {"exposure_time": 60.0},
            common | {"exposure_time": 120.0},
            flats | {"name": "flat_V_{number:03d}.fits"},
            {"type": "light", "filter": "V", "exposure_time": 60.0, "name": "target.fits"},
        ],
    }
    folder = tmp_path_factory.mktemp("docs")
    simulate(Scenario.from_dict(scenario), folder)
    return folder


def run_blocks(folder, *pages):
    """Run the Python of some pages, one after the other, in one namespace."""
    namespace: dict = {}
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as said:
        for page in pages:
            for _, text in blocks(page, "python"):
                exec(compile(text, page, "exec"), namespace)
    return namespace, said.getvalue()


def check_clean(frame):
    good = ~frame.mask
    residual = frame.data[good] - 600.0  # 10 e-/s for 60 s
    assert good.mean() > 0.99
    # 4096 pixels: the mean square scatters by sqrt(2/n) = 2.2 %, so 4 of these; one seed in 15 800 fails.
    assert np.mean(residual**2) / frame.variance[good].mean() == pytest.approx(1, abs=0.09)


def test_readme_code_runs(night, tmp_path):
    for path in night.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    namespace, _ = run_blocks(tmp_path, "README.md")
    check_clean(namespace["clean"])
    check_clean(fw.read(tmp_path / "target-calibrated.fits"))


def test_quickstart_and_fits_code_runs(night, tmp_path):
    for path in night.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    namespace, said = run_blocks(tmp_path, "docs/quickstart.md", "docs/fits.md")
    check_clean(namespace["clean"])
    assert namespace["ccd"].unit == "electron"
    assert "target.fits" in said
    assert namespace["night"].exit_code == 1  # target-calibrated.fits, written before, is set aside


def test_simulate_code_runs(tmp_path):
    text = next(text for title, text in blocks("docs/simulate.md", "toml") if title == "scenario.toml")
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    namespace, _ = run_blocks(tmp_path, "docs/simulate.md")
    assert namespace["truth"].scenario.name == "small"
    assert namespace["exposure"].frame.shape == (256, 272)


def test_detectors_code_runs(tmp_path):
    namespace, said = run_blocks(tmp_path, "docs/detectors.md")
    assert said.split()[-1] == str(len(namespace["detector"].amplifiers))


def test_displays_code_runs(tmp_path):
    namespace, _ = run_blocks(tmp_path, "docs/displays.md")
    assert (tmp_path / "bias.png").stat().st_size > 1000
    assert namespace["plot"].facts["flagged"] == {"HOT": 1}
    assert (tmp_path / "display.png").stat().st_size > 1000
    assert not namespace["display"].is_open


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/effects/")])
def test_code_of_effects_runs(page, tmp_path):
    run_blocks(tmp_path, page)


def test_table_of_effects_is_that_of_the_classes():
    rows = re.findall(
        r"^\| \[`(\w+)`\]\((\S+)\).*? \| (\w+) \| (\S+) \| (\S+?),? .*?\| (\S+) .*?\| (\S+?),? .*?\|$",
        TEXTS["docs/effects/index.md"], re.MULTILINE,
    )  # fmt: skip
    named = {name for name, *_ in rows}
    assert named == {
        cls.__name__ for cls in Effect.__subclasses__() if cls.__module__.startswith("fullwell.")
    }
    for name, page, stage, kind, simulates, measures, corrects in rows:
        cls = getattr(fw, name)
        assert (cls.stage.name, cls.kind.value) == (stage, kind), name
        assert f"docs/effects/{page}" in TEXTS
        own = {verb for verb in ("simulate", "steps", "correct", "affine", "flag")
               if getattr(cls, verb) is not getattr(Effect, verb)}  # fmt: skip
        assert (simulates != "-") == bool(own & {"simulate", "steps"}), name
        assert (corrects != "-") == bool(own & {"correct", "affine", "flag"}), name
        if measures != "-":
            assert cls.measure.__func__ is not Effect.measure.__func__, name


def printed(example):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        runpy.run_path(str(ROOT / "examples" / example), run_name="__main__")
    return [[float(n) for n in re.findall(r"[-+]?\d+\.\d+", line)] for line in said.getvalue().splitlines()]


def test_example_masters_by_hand():
    noise, rate, mean, ratio = printed("masters_by_hand.py")
    assert noise[0] == pytest.approx(8.0, rel=0.01)
    assert rate[0] == pytest.approx(0.2, abs=0.01)
    # 65 536 pixels of 38 e-: 0.15 e-, as much from the flat's normalization and the level; a ratio to 0.6 %.
    assert abs(mean[0]) < 1.0
    assert ratio[0] == pytest.approx(1, abs=0.03)


def test_example_gain_and_noise():
    (gain, gain_error, *_), (noise, noise_error, *_), textbook, single = printed("gain_and_noise.py")
    assert abs(gain - 1.5) < 4 * gain_error
    assert abs(noise - 8.0) < 4 * noise_error
    assert textbook[0] == pytest.approx(gain, rel=0.01)
    assert single[0] < 0.2


def test_example_noise_stays():
    raw, *corrected = printed("noise_stays.py")
    for mean, scatter, said in corrected:
        assert mean == pytest.approx(20.0, abs=0.1)
        assert scatter > raw[2]  # the scatter of the best frame alone, without masters
        assert scatter == pytest.approx(said, rel=0.01)


def options(command):
    context = click.Context(main, info_name="fullwell")
    params = main.get_command(context, command).get_params(click.Context(main.get_command(context, command)))
    names = (name for param in params for name in [*param.opts, *param.secondary_opts])
    return {name for name in names if name.startswith("-")}


@pytest.mark.parametrize("page", TEXTS)
def test_commands_and_options_exist(page):
    every = {name for option in main.params for name in option.opts}.union(
        *(options(name) for name in COMMANDS)
    )
    for _, text in blocks(page, "console"):
        for command, rest in re.findall(r"^\S*\bfullwell (\S+)(.*)$", text, re.MULTILINE):
            assert command in COMMANDS
            assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", rest)) <= options(command)
    prose = BLOCK.sub("", TEXTS[page])
    assert set(re.findall(r"`(?:fullwell )?(--[a-z][\w-]*)", prose)) <= every
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", TEXTS[page], re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", TEXTS)
def test_toml_of_pages_is_understood(page):
    import tomllib

    models = {"reduce.toml": ReduceConfig, "scenario.toml": Scenario}
    for title, text in blocks(page, "toml"):
        if title:
            assert isinstance(parse_config(tomllib.loads(text), models[title], source=page), models[title])


def test_every_key_of_reduce_toml_is_explained(hooks):
    text = TEXTS["docs/quickstart.md"]
    assert "### `[frames]`" in text
    assert "<!-- generated: reduce.toml -->" in text
    made = hooks.on_page_markdown(text)
    assert "<!-- generated" not in made
    for name, field in ReduceConfig.model_fields.items():
        assert f"### `[{name}]`" in made
        if name != "frames":
            section = made.split(f"### `[{name}]`")[1].split("###")[0]
            rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| (.+) \|$", section, re.MULTILINE)
            assert [key for key, _ in rows] == list(field.annotation.model_fields)
            assert all(meaning != "None" for _, meaning in rows)


def keys_of(model, prefix=""):
    for name, field in model.model_fields.items():
        inner = [field.annotation]
        filters = False
        while inner and not any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in inner):
            filters |= any(typing.get_origin(kind) is dict for kind in inner)
            inner = [part for kind in inner for part in typing.get_args(kind)]
        found = [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]
        path = f"{prefix}{name}"
        if found:
            yield from keys_of(found[0], f"{path}.FILTER." if filters else f"{path}.")
        else:
            yield path


def first_column(page, heading):
    """Code in the first column of the table under the row `heading`."""
    table = TEXTS[page].split(f"| {heading} |", 1)[1].split("\n\n")[0]
    return [code for row in table.splitlines()[2:] for code in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_key_of_a_scenario_is_explained():
    assert sorted(first_column("docs/simulate.md", "key")) == sorted(keys_of(Scenario))


def test_presets_are_those_that_exist():
    assert sorted(first_column("docs/simulate.md", "preset")) == sorted(preset_scenarios())
    shown = re.findall(r"detector/data/([\w-]+)\.toml", TEXTS["docs/detectors.md"])
    assert sorted(shown) == sorted(preset_names())


def test_flags_are_those_that_exist():
    rows = re.findall(r"^\| ([A-Z_]+) \| (\d+) \| (yes|no) \|", TEXTS["docs/fits.md"], re.MULTILINE)
    said = {name: (int(value), spoils == "yes") for name, value, spoils in rows}
    assert said == {plane.name: (plane.value, bool(plane & fw.BAD_FOR_SCIENCE)) for plane in fw.Flags}


def test_stages_and_rooms_are_those_that_exist():
    page = "docs/architecture.md"
    assert first_column(page, "stage") == [stage.name for stage in sorted(Stage) if stage != Stage.LAST]
    table = TEXTS[page].split("| floor | rooms |", 1)[1].split("\n\n")[0]
    rooms = {room for row in table.splitlines()[2:] for room in re.findall(r"`([\w]+)/?`", row.split("|")[2])}
    package = ROOT / "src" / "fullwell"
    there = {
        path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert rooms == there - {"__init__"}


def test_keywords_are_those_of_the_dialects():
    table = TEXTS["docs/how-it-decides.md"].split("| what | keywords", 1)[1].split("\n\n")[0]
    known = (ROOT / "src" / "fullwell" / "io" / "dialects.toml").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[A-Z][A-Z0-9_-]{2,}\b", table)) - {"CMOS"}
    assert len(named) > 30
    assert {name for name in named if f'"{name}"' not in known} == set()


def test_public_names_are_in_the_reference():
    reference = "".join(text for page, text in TEXTS.items() if page.startswith("docs/api/"))
    stub = (ROOT / "src" / "fullwell" / "__init__.pyi").read_text(encoding="utf-8")
    modules = set(re.findall(r"^::: (\S+)", reference, re.MULTILINE))
    listed = set(re.findall(r"\w+", " ".join(re.findall(r"members: \[(.*)\]", reference))))
    for name in re.findall(r"import (\w+) as", stub):
        home = getattr(fw, name)
        module = getattr(home, "__module__", "fullwell.flags")
        whole = module in modules and name not in listed
        assert name in listed or whole or f"{module}.{name}" in modules or name == "BAD_FOR_SCIENCE", name


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "changes/README.md", "benchmarks/README.md"]
)
def test_links_of_files_lead_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_citation_names_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", text, re.MULTILINE) == [fw.__version__]


@pytest.mark.slow
def test_site_builds_and_fetches_nothing(tmp_path):
    pytest.importorskip("mkdocs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for html in (tmp_path / "site").rglob("*.html"):
        text = html.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]+src=[\"']?(?:https?:)?//", text), html
        assert not re.search(r"<link[^>]+rel=[\"']?stylesheet[^>]+href=[\"']?(?:https?:)?//", text), html
