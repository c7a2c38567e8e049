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
# # Biases and darks
#
# A first evening with a small camera: ten biases, 29 darks of 10 s, one picture of the sky. What does the
# detector add to each frame, how much of it is noise, and how is one told from the other?
#
# The frames are simulated, with the size, names and cards of an SBIG ST-402, and written to a folder. With
# frames of your own only the folder is another one.

# %%
import tempfile
from pathlib import Path

import numpy as np

import fullwell as fw
from fullwell.simulation import Scenario, simulate

folder = Path(tempfile.mkdtemp())
simulate(Scenario.preset("st402-course"), folder)
files = sorted(folder.glob("*.FIT"))
print(len(files), "files:", files[0].name, "...", files[-1].name)

# %% [markdown]
# ## 1. One bias
#
# A bias is the shortest exposure with the shutter closed. `fw.read` gives a `Frame`: the pixels, their
# unit, and the header.

# %%
frame = fw.read(folder / "bias_001.FIT")
print(frame.shape, frame.unit, frame.exposure_time, "s at", frame.header["CCD-TEMP"], "°C")

# %% [markdown]
# Drawn from its lowest value to its highest it is black, because one single pixel takes the whole range:

# %%
fw.show_image(frame, limits="minmax", title="From the lowest to the highest value")

# %% [markdown]
# With limits that leave out the outermost one percent there is more to see: the left side is brighter.

# %%
fw.show_image(frame, limits=99.0, title="The inner 99 percent")

# %% [markdown]
# ### The brightest pixel
#
# `argmax` counts pixels as if the rows were laid end to end; `unravel_index` turns that back into row and
# column. Arrays have the row first, (y, x).

# %%
row, column = (int(i) for i in np.unravel_index(frame.data.argmax(), frame.shape))
print(f"{frame.data.max()} ADU in column x = {column}, row y = {row}")
fw.show_snippet(frame, center=(column, row), size=16, title="A hot pixel")

# %% [markdown]
# ### The distribution of values
#
# Nearly all pixels lie between 1000 and 1200 ADU. On a linear axis the hot pixel cannot be seen, on a
# logarithmic one a single pixel is as tall as any. The values are whole numbers, so the histogram has one
# bin for each, or a whole number of them.

# %%
fw.show_histogram(frame, title="All pixels")

# %% [markdown]
# A normal distribution with the same mean and spread does not quite fit: there is a tail to the right. That
# is the bright left side, no noise. So the standard deviation of one bias is *not* its read noise:

# %%
print(f"standard deviation of one bias: {frame.data.std(ddof=1):.1f} ADU")

# %% [markdown]
# ## 2. Ten biases
#
# What repeats is the same in all ten, what is noise is not. First: were they taken alike?

# %%
biases = fw.frames(folder / "bias_*.FIT")
for bias_frame in biases:
    print(bias_frame.source, bias_frame.exposure_time, bias_frame.header["CCD-TEMP"])

# %% [markdown]
# (0.04 s is the shortest that this camera can do: strictly speaking these are darks.) One pixel through all
# ten:

# %%
fw.show_series(biases, (150, 100))

# %% [markdown]
# It scatters by some ten ADU around its mean. Every pixel is such an experiment, and together they are a
# map:

# %%
stack = np.array([bias_frame.data for bias_frame in biases])
mean_bias, scatter = stack.mean(axis=0), stack.std(axis=0, ddof=1)
fw.show_image(mean_bias, limits=99.0, title="Mean: what repeats")

# %%
fw.show_noise_map(biases, title="Scatter from frame to frame: noise")

# %% [markdown]
# The gradient is in the mean and gone from the scatter. The average of the scatter over 390 150 pixels is
# the read noise. Almost: the standard deviation of ten values comes out too low on average (by 2.7 %), the
# variance does not. So average variances and take the root afterwards:

# %%
good = scatter < 30  # the hot pixel has shot noise of its own
print(f"mean of the standard deviations    {scatter[good].mean():.2f} ADU")
print(f"root of the mean of the variances  {np.sqrt((scatter[good] ** 2).mean()):.2f} ADU")

# %% [markdown]
# `Bias.measure` does this with what else is needed: pixels that were hit by a cosmic ray are rejected, the
# level of a frame may drift, and the noise has an error.

# %%
bias = fw.Bias.measure(biases)
print(f"read noise {bias.read_noise[0]:.3f} +- {bias.read_noise_error[0]:.3f} ADU, of {bias.count} frames")

# %% [markdown]
# **Median or mean?** One frame with a cosmic ray pulls the mean of its pixel away; the median does not
# move. But the median of many frames is noisier than the mean, by 25 % for a large number of frames, as if
# a third of them had been thrown away. A mean that leaves out only what the noise cannot explain has the
# best of both:

# %%
spoiled = stack.astype(np.float32)
spoiled[3, 200:210, 300] += 5000.0
combined = fw.combine(spoiled, method="mean", clip=5.0, noise=fw.NoiseModel(bias.read_noise[0]))
print("mean   ", spoiled.mean(axis=0)[204, 300])
print("median ", np.median(spoiled, axis=0)[204, 300])
print("clipped", combined.frame.data[204, 300], "from", combined.used[204, 300], "values")

# %% [markdown]
# ## 3. Darks
#
# A dark of 10 s has what a bias has, and the electrons that heat sets free in 10 s.

# %%
dark_frame = fw.read(folder / "dark_10s_001.FIT")
difference = dark_frame.data - mean_bias
fw.show_image(difference, limits=(-30, 50), title="One dark minus the mean bias")

# %% [markdown]
# No gradient is left: it belongs to the bias, and is there however short the exposure. What remains are
# about 14 ADU, hot pixels, and noise. The hot pixels are the tail of this distribution, ten or twenty of
# them above 200 ADU:

# %%
fw.show_histogram(difference, limits=(-60, 400), title="Dark minus bias")

# %%
print(
    f"mean {difference.mean():.2f} ADU, median {np.median(difference):.2f} ADU, "
    f"{(difference > 200).sum()} pixels above 200"
)

# %% [markdown]
# All 29 together give a rate with an error. `Dark.measure` wants to know the bias, since it is in the darks
# too.

# %%
darks = fw.frames(folder / "dark_10s_*.FIT")
dark = fw.Dark.measure(darks, known=fw.SignalChain([bias]), gain=2.0)
rate = np.median(dark.rate)
print(f"{len(darks)} darks: {rate:.3f} ADU/s in the typical pixel, {rate * 0.04:.3f} ADU in a bias of 0.04 s")

# %% [markdown]
# In 0.04 s that is far less than an ADU: the biases are good biases.
#
# ### Noise of the darks
#
# Electrons that arrive by chance scatter, so that a dark is noisier than a bias. How much, tells the gain:

# %%
dark_noise = np.array([f.data for f in darks]).std(axis=0, ddof=1)
style = {"bins": np.linspace(0, 25, 126), "log": False, "gaussian": False, "unit": "adu"}
plot = fw.show_histogram(scatter, label="biases", **style)
fw.show_histogram(dark_noise, label="darks", color="tab:orange", ax=plot.axes, **style)
plot.axes.set_title("Scatter of single pixels")
plot

# %%
quiet = (dark_noise < 30) & good
more = (dark_noise[quiet] ** 2).mean() - (scatter[quiet] ** 2).mean()
level = difference[quiet].mean()
print(f"{level:.1f} ADU of dark current add {more:.1f} ADU^2 of variance: about {level / more:.1f} e-/ADU")

# %% [markdown]
# The distribution of the darks is narrower because there are 29 of them. The gain is rough, as a small
# difference of large numbers is; flats do it better: [photon transfer](flats-and-photon-transfer.py).
#
# ## 4. The sky
#
# One picture, raw and corrected:

# %%
target = fw.read(folder / "target_image.FIT")
chain = fw.SignalChain([bias, dark, fw.Gain(2.0)])
clean = chain.correct(target)
fw.show_image(target, limits=99.0, title="As it came from the camera")

# %%
fw.show_image(clean, limits=99.0, title="Bias and dark taken out")

# %% [markdown]
# The bright left side is gone, and so are the hot pixels. What is left of the unevenness belongs to the
# light: the sky, and the sensitivity, which only a flat can tell. `clean.variance` says how uncertain each
# pixel is:

# %%
fw.show_histogram(np.sqrt(clean.variance), unit="electron", title="Uncertainty of the pixels")
