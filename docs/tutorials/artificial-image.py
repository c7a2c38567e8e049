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
# # An artificial image
#
# A raw CCD frame is a sum of things that have nothing to do with each other: a pedestal that the
# electronics add, noise of the amplifier, electrons that heat sets free, the sky, and at last the stars.
# Nobody can see them apart in a real frame. In a simulated one they can be put in one at a time, and each
# can be exaggerated until it shows.
#
# The numbers are round ones: a gain of 1 e-/ADU, 5 e- of read noise, a bias of 1100 ADU, 0.1 e-/s of dark
# current, exposures of 100 s, and a sky of 20 e- in each of them.

# %%
import numpy as np
from astropy import units as u

import fullwell as fw

SHAPE = (1000, 1000)
SECONDS = 100 * u.s
detector = fw.Detector.single(SHAPE)


def expose(*effects, scene=None, seconds=SECONDS, exposure=0):
    """Take one frame with a detector that has these effects and no others."""
    chain = fw.SignalChain(effects, detector=detector)
    return chain.expose(scene, seconds, noise=fw.Noise(2018, exposure)).frame


# %% [markdown]
# ## Read noise
#
# The amplifier that turns charge into a voltage adds a normally distributed number to every pixel. It is
# quoted in electrons. A detector that does nothing else gives a frame around zero:

# %%
gain = fw.Gain(1.0 * u.electron / u.adu)
read_noise = fw.ReadNoise(5 * u.electron)

noise_only = expose(read_noise, gain)
fw.show_image(noise_only, title="Read noise alone")

# %%
print(f"mean {noise_only.data.mean():+.3f} ADU, standard deviation {noise_only.data.std():.3f} ADU")

# %% [markdown]
# Half of the values are below zero, which a converter cannot write. That is what the bias is for.
#
# ## Bias
#
# A constant voltage lifts the whole frame. It is nearly the same for every pixel and in every exposure; a
# few columns are off, always by the same amount. What does not change from frame to frame can be measured
# and taken away.

# %%
structure = np.zeros(SHAPE, np.float32)
for column in np.random.default_rng(8392).integers(0, SHAPE[1], 5):
    structure[:, column] = np.random.default_rng(column).integers(0, 110, SHAPE[0])
bias = fw.Bias(level=1100 * u.adu, structure=structure)
converter = fw.ADC(bits=16)  # whole numbers from 0 to 65535

bias_frame = expose(read_noise, gain, bias, converter, seconds=0 * u.s)
fw.show_image(bias_frame, title="A bias frame: level, bad columns, read noise")

# %% [markdown]
# ## Dark current
#
# Heat lifts electrons into the pixels as light does. Their number grows with time, and since they arrive
# one by one it is a Poisson number: a dark of 10 e- has a scatter of √10 e-, without any read noise. A few
# pixels are *hot*; here one in ten thousand, and far hotter than real ones so that they show.

# %%
rates = np.full(SHAPE, 0.1, np.float32)
hot = np.random.default_rng(1620).choice(rates.size, rates.size // 10_000, replace=False)
rates.ravel()[hot] = 10.0
dark = fw.Dark(rate=rates)

dark_frame = expose(dark, read_noise, gain, bias, converter)
fw.show_image(dark_frame, title="A dark frame of 100 s")

# %% [markdown]
# On this scale hot pixels are lost when the picture is shrunk to the screen: the mean of a block of pixels
# hides a single one. Told to keep the brightest of each block, the picture has them:

# %%
fw.show_image(dark_frame, pool="max", title="The same, brightest pixel of each block")

# %% [markdown]
# A common mistake is worth knowing. NumPy has two ways to point at many pixels, and they look alike:
#
# ```python
# image[ys, xs] = 1000      # the pixels (ys[0], xs[0]), (ys[1], xs[1]), ...
# image[[ys, xs]] = 1000    # all rows in ys and all rows in xs
# ```
#
# The second has one index, which is a list of two arrays, and one index picks rows. Old versions of NumPy
# took it for the first. A simulation written at that time therefore lights whole rows today instead of hot
# pixels:

# %%
rows_lit = np.zeros((50, 50))
ys, xs = np.array([10, 30]), np.array([20, 40])
rows_lit[[ys, xs]] = 1000
print("pixels lit with a nested list:", np.count_nonzero(rows_lit))

pixels_lit = np.zeros((50, 50))
pixels_lit[ys, xs] = 1000
print("pixels lit with two indices:  ", np.count_nonzero(pixels_lit))

# %% [markdown]
# ## Sky
#
# The sky shines into every pixel. Its electrons are Poisson numbers too. What the scene gives is the
# *expected* light; the effect `ShotNoise` makes a number of electrons of it.

# %%
sky = fw.Sky(0.2)  # e-/s in each pixel
shot_noise = fw.ShotNoise()
detector_effects = [shot_noise, dark, read_noise, gain, bias, converter]

clouds = expose(*detector_effects, scene=sky)
fw.show_image(clouds, title="Sky, dark current, bias and noise")

# %% [markdown]
# The middle of the distribution is bias + dark + sky = 1100 + 10 + 20 = 1130 ADU. Its spread comes from
# three independent sources, which add in squares: √(5² + 10 + 20) ≈ 7.4 ADU. Rounding to whole numbers adds
# another 1/12.

# %%
normal = clouds.data[(structure == 0) & (rates < 1)]  # neither bad columns nor hot pixels
expected = np.sqrt(5**2 + 10 + 20 + 1 / 12)
print(f"mean {normal.mean():.1f} ADU, spread {normal.std():.2f} ADU (expected {expected:.2f})")
fw.show_histogram(clouds, limits=(1080, 1200), title="What the pixels hold")

# %% [markdown]
# ## Stars
#
# Last come the stars: 50 round Gaussians whose peaks reach from 200 to 2000 e- in 100 s, anywhere in the
# frame.

# %%
rng = np.random.default_rng(12345)
number, sigma = 50, 4.0
peaks = rng.uniform(200, 2000, number)
stars = fw.Stars(
    x=rng.uniform(0.1, 0.9, number) * SHAPE[1],
    y=rng.uniform(0.1, 0.9, number) * SHAPE[0],
    flux=peaks
    * 2
    * np.pi
    * sigma**2
    / SECONDS.value,  # the flux of a Gaussian is its peak times 2 pi sigma^2
    fwhm=2.3548 * sigma,
)
image = expose(*detector_effects, scene=fw.Scene([sky, stars]))
fw.show_image(image, limits=99.0, title="A raw image: 50 stars, and all that lies on top")

# %% [markdown]
# Single bright dots are hot pixels; what is wider than a pixel is a star.
#
# ## What was put together
#
# Everything here is a sum,
#
# ```text
# image = bias + noise + dark + sky + stars
# ```
#
# and one would think that the stars can be had by subtracting the rest. It is not that easy, for three
# reasons:
#
# 1. Not every pixel responds alike to light. That is a factor, not a summand: [non-uniform
#   sensitivity](non-uniform-sensitivity.py).
# 2. Bias and dark have to be measured in frames which have read noise themselves.
# 3. Noise is another number in each frame, and cannot be subtracted at all: [what calibration can
#   do](calibration.py).
#
# Each effect of this page has many relatives in a real detector: [all effects](../effects/index.md).
# `fullwell simulate --preset guide -o RAW/` writes a night with this detector, and in the browser all of
# its numbers have sliders: [simulator](../simulator.md).
