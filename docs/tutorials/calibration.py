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
# # Calibration, and why noise stays
#
# A raw frame is
#
# ```text
# raw = bias + noise + dark + flat × (sky + stars)
# ```
#
# and solved for what is of interest
#
# ```text
# stars + noise = (raw - bias - dark) / flat - sky
# ```
#
# The noise stands on the left. **It cannot be removed**: it is another number in each frame, and nobody
# knows which.

# %%
import numpy as np

import fullwell as fw
from fullwell.features import Donuts, Vignetting, response_of

SHAPE = (1000, 1000)
detector = fw.Detector.single(SHAPE)
rng = np.random.default_rng(12345)
number, sigma, seconds = 50, 4.0, 30.0
stars = fw.Stars(
    x=rng.uniform(0.1, 0.9, number) * SHAPE[1],
    y=rng.uniform(0.1, 0.9, number) * SHAPE[0],
    flux=rng.uniform(200, 2000, number) * 2 * np.pi * sigma**2 / seconds,
    fwhm=2.3548 * sigma,
)

# %% [markdown]
# ## An attempt to subtract noise
#
# Stars, and far too much read noise: 1500 e-, so that it shows. Then a second frame of the same noise, as
# the same camera makes it, is subtracted.

# %%
noisy = fw.SignalChain([fw.ReadNoise(1500.0), fw.Gain(1.0)], detector=detector)
with_stars = noisy.expose(stars, seconds, noise=fw.Noise(5, exposure=0)).frame
another = noisy.expose(None, seconds, noise=fw.Noise(5, exposure=1)).frame
attempt = with_stars.data - another.data

fw.show_image(with_stars, limits=99.0, title="Stars with noise")

# %%
fw.show_image(attempt, limits=99.0, title="The same minus another frame of noise")

# %%
print(f"scatter before {with_stars.data.std():.0f} ADU, after {attempt.std():.0f} ADU")
print(f"ratio {attempt.std() / with_stars.data.std():.3f}, the square root of two is {np.sqrt(2):.3f}")

# %% [markdown]
# The noise has *grown*. Variances of independent numbers add, whether the numbers are added or subtracted.
#
# ## Every calibration frame has noise, too
#
# So a bias that is subtracted brings its own read noise along. Here is a camera with 700 e- of it, a
# hundred times more than a good one, and a night with a single frame of each kind.

# %%
structure = np.zeros(SHAPE, np.float32)
structure[:, rng.integers(0, SHAPE[1], 5)] = 50.0
rates = np.full(SHAPE, 0.1, np.float32)
rates.ravel()[rng.choice(rates.size, 100, replace=False)] = 1000.0
flat = response_of([Vignetting(0.06), Donuts(number=15)], detector)
READ_NOISE = 700.0
camera = fw.SignalChain(
    [
        fw.ShotNoise(),
        fw.Dark(rate=rates),
        fw.ReadNoise(READ_NOISE),
        fw.Gain(1.0),
        fw.Bias(level=20_000.0, structure=structure),
        flat,
    ],
    detector=detector,
)


def expose(scene, exposure_time, first, count=1):
    """Take `count` frames that share no noise with those of other numbers."""
    return [
        camera.expose(scene, exposure_time, noise=fw.Noise(6, exposure=first + k)).frame for k in range(count)
    ]


(raw,) = expose(stars, seconds, first=0)
(one_bias,) = expose(None, 0.0, first=100)
(one_dark,) = expose(None, 60.0, first=200)

dark_current = (one_dark.data - one_bias.data) * (seconds / 60.0)
by_hand = (raw.data - one_bias.data - dark_current) / flat.response

fw.show_image(raw, limits=99.0, title="Raw")

# %%
fw.show_image(by_hand, limits=99.0, title="Calibrated with one bias and one dark")

# %% [markdown]
# The bad columns and the brightest hot pixels are gone, and so is the pedestal. But look at the width of
# the distributions:

# %%
before = raw.data - np.median(raw.data)
style = {"bins": "freedman", "limits": (-4000, 4000), "log": False, "gaussian": False}
plot = fw.show_histogram(before, label="raw, its median subtracted", unit="adu", **style)
fw.show_histogram(by_hand, label="calibrated", color="tab:orange", unit="adu", ax=plot.axes, **style)
plot.axes.set_title("Before and after")
plot

# %%
print(f"before {np.std(raw.data[rates < 1]):.0f} ADU, after {np.std(by_hand[rates < 1]):.0f} ADU")

# %% [markdown]
# How much it has to grow can be said beforehand. With t = 30 s and a dark of 60 s, the dark enters with t /
# t_D = 1/2. The bias enters twice: once by itself, and once in the dark current, from which it was
# subtracted. It is the *same* bias, so its two coefficients are added before they are squared:
#
# ```text
# raw - (1 - 1/2) bias - 1/2 dark      variance = read noise² × (1 + 1/4 + 1/4)
# ```

# %%
expected = READ_NOISE * np.sqrt(1 + 0.5**2 + 0.5**2)
print(f"expected {expected:.0f} ADU (on the pixels that the flat leaves as they are)")

# %% [markdown]
# Had bias and dark been taken for independent, one would have said √(1 + 1 + 1/4), a quarter too much.
#
# ## Many frames
#
# The mean of 25 frames has a fifth of the noise of one. It does not help the raw frame, whose own noise
# stays, but what the calibration adds becomes small. `Bias.measure` and `Dark.measure` combine frames and
# remember how sure they are; the chain corrects, and gives each pixel its variance with the noise of the
# masters in it, counted once.

# %%
known = fw.Gain(1.0)
biases, darks = expose(None, 0.0, first=1000, count=25), expose(None, 60.0, first=2000, count=25)
bias = fw.Bias.measure(biases)
dark = fw.Dark.measure(darks, known=fw.SignalChain([bias]), gain=1.0)

clean = fw.SignalChain([bias, dark, flat, known]).correct(raw)
fw.show_image(clean, limits=99.0, title="Calibrated with 25 biases and 25 darks")

# %%
quiet = (rates < 1) & (stars.render(SHAPE) * seconds < 1)  # neither hot pixels nor stars
predicted = np.sqrt(clean.variance[quiet].mean())
print(f"scatter {clean.data[quiet].std():.1f} e-, predicted {predicted:.1f} e-, raw {READ_NOISE:.0f} e-")

# %% [markdown]
# That is all calibration can do: what repeats is taken out, what does not is left, and *how much is left is
# known*. On thousands of simulated frames the predicted variance is right within a quarter of a percent:
# [noise](../noise.md).
