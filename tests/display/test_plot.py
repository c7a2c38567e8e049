"""A figure of its own shows itself once; one of the caller never does, and pyplot knows of neither."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from matplotlib.figure import Figure

import fullwell as fw

DATA = np.arange(200.0).reshape(10, 20)


def test_a_plot_comes_apart_and_shows_itself_once(tmp_path):
    plot = fw.show_image(DATA)
    figure, axes = plot
    assert axes in figure.axes
    assert plot._repr_png_().startswith(b"\x89PNG")
    for end in ("png", "pdf", "svg"):
        plot.save(tmp_path / f"a.{end}")
        assert (tmp_path / f"a.{end}").stat().st_size > 1000


def test_axes_of_the_caller_are_used_and_not_shown_twice():
    for draw in (fw.show_image, fw.show_histogram, fw.show_profile):
        own = Figure().subplots()
        plot = draw(DATA, ax=own)
        assert plot.axes is own
        assert plot.figure is own.figure
        assert plot._repr_png_() is None
    own = Figure().subplots()
    assert fw.show_noise_map([DATA, DATA + 1.0], ax=own)._repr_png_() is None
    assert fw.show_series([DATA, DATA], (1, 2), ax=own)._repr_png_() is None


def test_titles_are_no_formulas():
    assert fw.show_image(DATA, title="a$b$c").axes.get_title() == r"a\$b\$c"


def test_pyplot_is_not_asked():
    script = (
        "import sys, numpy as np, fullwell as fw; fw.show_image(np.eye(5)); fw.show_histogram(np.eye(5));"
    )
    script += "print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_nothing_is_drawn_with_before_it_is_needed():
    script = "import sys, fullwell.display; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
