# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reduce your own night
#
# A folder of raw frames goes in, a folder of calibrated frames comes out, and a report that says what was
# done to them and why. This page does it to a small simulated night; put your own folder in its place.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np

import fullwell as fw
from fullwell.simulation import Scenario, simulate

work = Path(tempfile.mkdtemp())
raw, out = work / "RAW", work / "OUT"
sequence = [
    {"type": "bias", "count": 8},
    {"type": "dark", "count": 6, "exposure_time": 60.0, "name": "dark_60s_{number:02d}.fits"},
    {"type": "dark", "count": 6, "exposure_time": 240.0, "name": "dark_240s_{number:02d}.fits"},
    {"type": "flat", "count": 6, "filter": "V", "exposure_time": 5.0, "lamp": 4000.0},
    {"type": "light", "count": 4, "filter": "V", "exposure_time": 120.0},
]
night = {
    "name": "small",
    "seed": 3,
    "detector": {"shape": [400, 500], "overscan": 20, "gain": 1.5, "read_noise": 8.0},
    "bias": {"level": 1000.0, "drift": 2.0, "bad_columns": 2, "bad_column_height": 60.0},
    "dark": {"rate": 0.08, "hot_fraction": 5e-4, "hot_rate": [1.0, 50.0]},
    "flat": {"V": {"vignetting": 0.15, "dust": 6, "dust_depth": 0.05, "pixel_response": 0.01}},
    "sky": {"V": {"level": 4.0, "gradient": [0.05, 0.0]}},
    "stars": {"number": 60, "flux": [50.0, 5000.0]},
    "cosmic_rays": {"rate": 2.0},
    "sequence": sequence,
}
simulate(Scenario.from_dict(night), raw)
print(len(list(raw.glob("*.fits"))), "raw frames")

# %% [markdown]
# ## One call
#
# On the command line it is `fullwell reduce RAW/ -o OUT/`, and `--dry-run` tells beforehand what would
# happen. From Python:

# %%
result = fw.reduce(raw, out)
for path in sorted([*out.glob("*.*"), *out.glob("*/*.fits")]):
    print(path.relative_to(out))

# %% [markdown]
# Masters lie in `masters/`, one file each. Each science frame has its own file in `calibrated/`, under its
# own name, with planes for uncertainty and flags. `report.html` opens in a browser: what was found, what
# was chosen and why, warnings first.
#
# ## What was made
#
# The same is in `results.json`, for programs.

# %%
results = json.loads((out / "results.json").read_text())
print(sorted(results))

# %%
name = sorted(path.name for path in (out / "calibrated").glob("*.fits"))[0]
before = fw.read(next(raw.glob(name.split(".")[0] + "*")))
after = fw.read(out / "calibrated" / name)
fw.show_image(before, limits=99.0, title="Raw")

# %%
fw.show_image(after, limits=99.0, title="Calibrated")

# %% [markdown]
# Dust, vignetting, bad columns and hot pixels are gone. `after` has all that was learned about its pixels:

# %%
print("unit:", after.unit)
print("taken out:", ", ".join(after.applied))
for plane in fw.Flags:
    count = int(((after.flags & plane.value) != 0).sum())
    if count:
        print(f"{plane.name:14s} {count:6d} pixels")

# %%
fw.show_image(after, limits=99.0, planes="all", title="What is flagged, and why")

# %% [markdown]
# ## Is it right?
#
# The mean of the variance plane should be what the sky really scatters, on pixels that are not flagged and
# hold no star:

# %%
sky = ~after.mask & (np.abs(after.data - np.median(after.data)) < 5 * np.sqrt(after.variance))
rows, columns = np.indices(after.shape)
plane = np.linalg.lstsq(
    np.stack([np.ones(sky.sum()), rows[sky], columns[sky]], axis=1), after.data[sky].astype(float), rcond=None
)[0]
rest = after.data - (plane[0] + plane[1] * rows + plane[2] * columns)
inner = sky & (np.abs(rest) < 3 * np.sqrt(after.variance))
print(f"scatter {rest[inner].std():.2f}, predicted {np.sqrt(after.variance[inner].mean()):.2f} {after.unit}")

# %% [markdown]
# (Cut at three sigma, a normal distribution loses 1.3 % of its spread.)
#
# ## Again, and again
#
# Called a second time, `reduce` finds that nothing changed and does nothing; with a new frame in the folder
# it makes what depends on it. A run that was killed goes on where it stopped, and gives the same bytes.

# %%
again = fw.reduce(raw, out)
print("exit code", int(again.exit_code))

# %% [markdown]
# ## From here
#
# - `fullwell config > reduce.toml` writes a file with every setting explained: [how it
#   decides](../how-it-decides.md).
# - `fullwell inspect OUT/` opens raw and calibrated frames side by side in a browser:
#   [inspector](../inspector.md).
# - Every step can be done by hand: [biases and darks](biases-and-darks.py).
