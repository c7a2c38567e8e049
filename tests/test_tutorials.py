"""The tutorials run from first cell to last, in a kernel of their own, and show what they promise."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

TUTORIALS = Path(__file__).parents[1] / "docs" / "tutorials"
PAGES = sorted(TUTORIALS.glob("*.py"))

#: Sentences of the output, with the numbers between which each must lie (simulated frames have fixed seeds).
PROMISED = {
    "artificial-image": {
        r"mean (\S+) ADU, spread": (1129.9, 1130.1),
        r"spread (\S+) ADU": (7.40, 7.46),
        r"with a nested list: (\d+)": (200, 200),
    },
    "non-uniform-sensitivity": {r"rings of (\d+) pixels from the filter": (83, 83)},
    "calibration": {
        r"ratio (\S+),": (1.41, 1.42),
        r"before 7\d\d ADU, after (\d+)": (850, 875),
        r"scatter (\S+) e-, predicted": (704, 714),
        r"predicted (\S+) e-, raw": (704, 714),
    },
    "biases-and-darks": {
        r"standard deviation of one bias: (\S+) ADU": (18.8, 19.8),
        r"root of the mean of the variances\s+(\S+) ADU": (10.75, 10.95),
        r"29 darks: (\S+) ADU/s": (1.36, 1.39),
        r"about (\S+) e-/ADU": (1.8, 2.4),
    },
    "flats-and-photon-transfer": {
        r"1/slope (\S+) e-/ADU": (0.75, 0.85),
        r"brightest pair alone: (\S+)": (1.0, 1.1),
        r"whole curve:\s+(\S+)": (0.78, 0.82),
    },
    "reduce-a-night": {r"scatter (\S+), predicted": (23.0, 24.1), r"exit code (\d)": (0, 0)},
}


def cells_of(page, folder):
    """Run a page in `folder` and return its cells with their outputs."""
    notebook = jupytext.read(page)
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_tutorial_is_promised_something():
    assert [page.stem for page in PAGES] == sorted(PROMISED)


# The client of Jupyter leaves the closing of its sockets to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::DeprecationWarning:jupyter_client")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs_and_keeps_its_promises(page, tmp_path):
    cells = cells_of(page, tmp_path)

    said = "".join(out.text for cell in cells for out in cell.outputs if out.output_type == "stream")
    for pattern, (low, high) in PROMISED[page.stem].items():
        found = re.search(pattern, said)
        assert found, pattern
        assert low <= float(found[1]) <= high, found[0]
    errors = [out for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    assert not errors, errors
    pictures = [out for cell in cells for out in cell.outputs if "image/png" in out.get("data", {})]
    # One for each cell that ends in a plot: shown once, not twice.
    plots = re.compile(r"(fw\.show_\w+\(.*\)|plt\.show\(\)|plot)\Z", re.DOTALL)
    last = [ast.unparse(ast.parse(cell.source).body[-1]) for cell in cells]
    assert len(pictures) == sum(bool(plots.match(statement)) for statement in last)
