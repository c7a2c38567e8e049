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
# # Non-uniform sensitivity
#
# Two pixels that receive the same light do not report the same number. Optics darken the corners, grains of
# dust throw shadows, and pixels differ in how much of the light they turn into charge. All of this is a
# *factor*, and it multiplies the light only: bias, dark current and read noise come later.
#
# ```text
# image = bias + noise + dark + flat × (sky + stars)
# ```

# %%
import numpy as np
from astropy import units as u

import fullwell as fw
from fullwell.features import ActsOn, Donuts, PixelResponse, TreeRings, Vignetting, response_of

SHAPE = (1000, 1000)
detector = fw.Detector.single(SHAPE)

# %% [markdown]
# ## A flat, feature by feature
#
# **Vignetting** takes light from the corners, the more the farther they are from the optical axis:

# %%
vignetting = Vignetting(corner=0.06)
fw.show_image(vignetting.render(detector), unit="", title="Vignetting")

# %% [markdown]
# **Dust** on a filter or a window is far from focus, so that each grain throws the shadow of the
# telescope's pupil: a ring, with the shadow of the secondary mirror as its hole. Its diameter tells where
# the grain lies: distance over focal ratio.

# %%
camera = {"f_ratio": 8, "pixel_size": 9 * u.um}
filter_dust = Donuts(number=8, distance=6 * u.mm, depth=0.02, seed=1, **camera)
window_dust = Donuts(number=12, distance=2.5 * u.mm, depth=0.03, seed=2, **camera)
print(f"rings of {filter_dust.diameter:.0f} pixels from the filter")
print(f"rings of {window_dust.diameter:.0f} pixels from the window")
fw.show_image(filter_dust.render(detector) * window_dust.render(detector), unit="", title="Dust")

# %% [markdown]
# **Pixels** differ by about one percent. The picture below is a cut-out at full size; shrunk to the screen,
# blocks of pixels are averaged, and the pattern would vanish.

# %%
pixels = PixelResponse(scatter=0.01)
fw.show_snippet(
    pixels.render(detector), center=(500, 500), size=60, unit="", title="Response of single pixels"
)

# %% [markdown]
# All together they are the flat of this camera. Only a few percent separate its brightest parts from its
# darkest:

# %%
# Both kinds of dust are a `Donuts`; a camera may have as many features of a kind as it likes.
flat = response_of([vignetting, filter_dust, window_dust, pixels], detector)
fw.show_image(flat.response, unit="", title="The flat")

# %%
fw.show_profile(flat.response, against="column", average="mean", unit="", title="Mean of all rows")

# %% [markdown]
# ## What it does to an image
#
# The detector of the [first page](artificial-image.py), now with this flat:

# %%
rng = np.random.default_rng(12345)
number, sigma, seconds = 50, 4.0, 100.0
peaks = rng.uniform(200, 2000, number)
stars = fw.Stars(
    x=rng.uniform(0.1, 0.9, number) * SHAPE[1],
    y=rng.uniform(0.1, 0.9, number) * SHAPE[0],
    flux=peaks * 2 * np.pi * sigma**2 / seconds,
    fwhm=2.3548 * sigma,
)
camera = fw.SignalChain(
    [
        flat,
        fw.ShotNoise(),
        fw.Dark(rate=0.1),
        fw.ReadNoise(5.0),
        fw.Gain(1.0),
        fw.Bias(level=1100.0),
        fw.ADC(bits=16),
    ],
    detector=detector,
)

image = camera.expose(fw.Scene([fw.Sky(0.2), stars]), seconds, seed=1).frame
fw.show_image(image, limits=99.0, title="Sky of 20 e-")

# %% [markdown]
# The flat does not show. Two percent of a sky of 20 e- are 0.4 e-, and the noise of a pixel is 7 e-. Under
# a sky that is a hundred times brighter, with the moon up or in the infrared, the same two percent are 40
# e-:

# %%
bright = camera.expose(fw.Scene([fw.Sky(20.0), stars]), seconds, seed=2).frame
fw.show_image(bright, limits=99.0, title="Sky of 2000 e-")

# %% [markdown]
# Not showing does not mean being absent: a star in the corner is 6 % too faint in either image. Its
# brightness is wrong by more than the noise of a bright star, and nothing in the picture tells.
#
# ## Which part of a flat may be divided out
#
# A flat is measured with a lamp, and what looks like low sensitivity in it may be something else. *Tree
# rings* are rings in the silicon where pixels are a little smaller or larger. A smaller pixel collects less
# of a lamp, but the charge is not lost: its neighbor has it. Divided by such a flat, a star gets the wrong
# brightness ([Pixel area](../effects/pixel-area.md)). So each feature says what it acts on:

# %%
rings = TreeRings(amplitude=2e-3)
for feature in (vignetting, filter_dust, pixels, rings):
    print(f"{feature.name:15s} acts on {feature.acts_on}")

seen = response_of([vignetting, pixels, rings], detector)  # what a lamp shows
divisible = response_of([vignetting, pixels, rings], detector, acts_on=ActsOn.PHOTONS)
fw.show_image(seen.response / divisible.response, unit="", title="In the flat, but not to be divided out")

# %% [markdown]
# [What shows in a flat](../effects/flat-features.md) lists all features with what they act on; [flats and
# photon transfer](flats-and-photon-transfer.py) looks for them in a real detector's flats.
