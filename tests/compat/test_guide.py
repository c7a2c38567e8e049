"""The cells of the guide and of the course run as they stand, on the modules of `fullwell.compat`.

The texts are read where they lie beside the repository and are no part of it. A notebook that was
printed loses what is beyond the edge of the page: `TAILS` completes those lines, and `DROPPED` counts
the lines of output that stand within a cell.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from fullwell.compat import convenience_functions, image_sim
from fullwell.simulation import Scenario, simulate

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
FENCE = re.compile(r"^```(\w*)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^In \[(\d+)\]: ?", re.MULTILINE)

#: What the edge of the page cut off, by the number of the cell.
TAILS = {
    12: "data.shape))",
    27: "meseries[:,100,150].std(ddof=1))",
    30: "='asinh'))",
    39: "data.shape))",
    45: "dark, stretch='asinh'))",
    60: "x_percent=99.95))",
    63: "0.5)",
    78: "tretch='asinh', max_percent=99))",
}
#: The last letter before the cut, of which only half is there, so that it was read as another one.
HALF_LETTERS = {45: 1}
#: Words that astropy never had: the print was read wrongly.
MISREAD = {75: ("max_percentile", "max_percent")}
#: Lines of a cell that are no Python: output, or the second half of a comment.
DROPPED = {12: 1, 27: 1, 43: 1, 52: 2}


def text_of(name):
    if not SEEDS.is_dir():
        pytest.skip("the guide and the course are not here (../shared/seeds beside the repository)")
    return (SEEDS / name).read_text(encoding="utf-8")


def guide_cells(name):
    """Fenced Python of a chapter, without the magics of the notebook."""
    cells = [code for language, code in FENCE.findall(text_of(name)) if language == "python"]
    return [re.sub(r"^%.*$", "", code, flags=re.MULTILINE) for code in cells]


def course_cells(text):
    """Code by number of cell: fences that start with a prompt, and those that follow a prompt in the text."""
    cells, at, waiting = {}, 0, None
    for fence in FENCE.finditer(text):
        outside = PROMPT.findall(text[at : fence.start()])
        waiting, at = (int(outside[-1]) if outside else waiting), fence.end()
        code = fence[2]
        if prompt := PROMPT.match(code):
            number, waiting = int(prompt[1]), None
            code = code[prompt.end() :]
        elif waiting is not None:
            number = waiting
        else:
            continue  # output, or a shell's
        cells[number] = cells.get(number, "") + straightened(code)
    return cells


def straightened(code):
    """Code without the indentation that the prompt gave to all lines but the first."""
    first, _, rest = code.partition("\n")
    opens = first.rstrip().endswith(":") and not first.startswith("#")
    inner = "    " if opens else ""
    return f"{first.strip()}\n{textwrap.indent(textwrap.dedent(rest), inner)}\n"


def completed(number, code):
    """Return the cell with what was cut off, without lines that are no Python, and the number of those."""
    lines, dropped, tail = [], 0, TAILS.get(number)
    code = code.replace(*MISREAD.get(number, ("", "")))
    for line in code.splitlines():
        if tail and is_cut(line):
            line = line.rstrip()
            line, tail = line[: len(line) - HALF_LETTERS.get(number, 0)] + tail, None
        if line.startswith((" ", "#")) or not line.strip() or is_python(line):
            lines.append(line)
        else:
            dropped += 1
    assert tail is None, f"cell {number}: no line is cut off"
    return "\n".join(lines), dropped


def is_cut(line):
    return not line.startswith("#") and line.count("(") > line.count(")")


def is_python(line):
    try:
        compile(line + (" pass" if line.rstrip().endswith(":") else ""), "line", "exec")
    except SyntaxError:
        return False
    return True


def run(cells, namespace=None):
    import matplotlib.pyplot as plt

    namespace = {"__name__": "__main__"} if namespace is None else namespace
    said = io.StringIO()
    for number, code in cells:
        with contextlib.redirect_stdout(said):
            exec(compile(code, f"cell {number}", "exec"), namespace)
        plt.close("all")  # as a notebook does behind each cell
    return namespace, said.getvalue()


@pytest.fixture(autouse=True)
def notebook(monkeypatch):
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import photutils.datasets

    mpl.use("Agg")
    monkeypatch.setitem(sys.modules, "image_sim", image_sim)
    monkeypatch.setitem(sys.modules, "convenience_functions", convenience_functions)
    for name in ("make_random_gaussians_table", "make_gaussian_sources_image"):
        monkeypatch.setattr(photutils.datasets, name, getattr(image_sim, name), raising=False)
    with mpl.rc_context():
        np.random.seed(20260101)  # noqa: NPY002  (the guide's own functions draw from it)
        yield
    plt.close("all")


def test_artificial_image():
    cells = guide_cells("guide-01-03-artificial-image.txt")
    assert len(cells) == 20
    made, _ = run(enumerate(cells, 1))
    dark, image = made["dark_only"], made["sky_dark_bias_noise_im"]
    # NumPy 2 takes the list of two lists as rows, and the guide's hot pixels become hot rows.
    hot = (dark == 0.1 * 10_000 * 100).all(axis=1)
    assert 500 < hot.sum() < 800
    good = image[~hot][:, ~(made["bias_only"] > 1100).any(axis=0)]
    # 2.7 million pixels: 5 sigma of the mean are 0.023, of the spread 0.016.
    assert good.mean() == pytest.approx(1100 + 10 + 20, abs=0.023)
    assert good.std() == pytest.approx(np.sqrt(25 + 10 + 20), abs=0.016)
    assert np.median(dark[~hot]) == 10
    assert 1500 < made["stars_only"].max() < 2 * 2000  # 50 of 200 to 2000; two of them overlap
    made["complete_image"]()
    assert "bias_level" in [getattr(child, "description", "") for child in made["i"].children]


def test_nonuniform_sensitivity():
    cells = guide_cells("guide-01-04-nonuniform-sensitivity.txt")
    assert len(cells) == 7
    made, _ = run(enumerate(cells, 1))
    flat = made["flat"]
    assert flat.max() == 1
    assert 0.85 < flat.min() < 0.95  # "a few percent at most"
    dim = made["stars_only"] == 0
    for image, sky in ((made["final_image"], 20), (made["final_image2"], 2000)):
        expected = 1100 + 3 + sky * np.mean(flat[dim])
        assert np.median(image[dim]) == pytest.approx(expected, rel=1e-3)


def test_calibration_overview():
    cells = guide_cells("guide-01-05-calibration-overview.txt")
    assert len(cells) == 11
    made, _ = run(enumerate(cells, 1))
    names = ("stars_with_noise", "incorrect_attempt_to_remove_noise")
    spread = {name: np.std(made[name][:100]) for name in names}
    # 200 000 pixels without stars: 5 sigma of a spread are 0.8 %.
    assert spread["stars_with_noise"] == pytest.approx(1500, rel=0.008)
    assert spread["incorrect_attempt_to_remove_noise"] == pytest.approx(1500 * np.sqrt(2), rel=0.008)
    # The frame, the bias and half of (dark frame - bias): 1 + 1/4 + 1/4 of the variance of a reading.
    calibrated = made["calibrated_stars"][:100] * made["flat"][:100]
    assert np.std(calibrated) == pytest.approx(700 * np.sqrt(1.5), rel=0.01)
    assert np.std(calibrated) > np.std(made["realistic_stars"][:100, :100])


@pytest.fixture(scope="module")
def course_folder(tmp_path_factory):
    text_of("course-darks-biases.txt")
    folder = tmp_path_factory.mktemp("course")
    simulate(Scenario.preset("st402-course"), folder, workers=2)
    return folder


def test_course(course_folder, monkeypatch):
    monkeypatch.chdir(course_folder)
    cells = course_cells(text_of("course-darks-biases.txt"))
    assert sorted(cells) == [*range(1, 67), 69, 71, 72, 75, 78, 80]
    repaired = {number: completed(number, code) for number, code in cells.items()}
    assert {number: dropped for number, (_, dropped) in repaired.items() if dropped} == DROPPED
    made, said = run([(number, code) for number, (code, _) in repaired.items()])
    # The numbers that the text promises; how near another set of frames would come is in tests/simulation.
    assert "Location of brightest value: 236248" in said
    place = re.findall(r"coordinates of the brightest pixel: (.*)", said.replace("np.int64", ""))
    assert set(place) == {"((308), (628))"}
    assert made["mean_bias"] == pytest.approx(1080.1, abs=2)
    assert made["mean_bias"] - made["median_bias"] == pytest.approx(5.2, abs=0.7)
    assert made["mean_readnoise"] == pytest.approx(10.56, rel=0.01)
    assert made["median_readnoise"] == pytest.approx(10.43, rel=0.01)
    assert made["mean_dark"] == pytest.approx(1095.2, abs=2)
    assert made["avg_dark_rate"] == pytest.approx(1.51, abs=0.08)
    assert made["mean_dark_noise"] == pytest.approx(10.87, rel=0.04)
    assert made["median_dark_noise"] == pytest.approx(10.81, rel=0.04)
    assert made["dark_rate_estimate"] == pytest.approx(1.39, abs=0.05)
    assert made["n_dark_counts"] == pytest.approx(0.0553, abs=0.002)
    assert np.median(made["dark_target_image"]) == pytest.approx(125, abs=10)
