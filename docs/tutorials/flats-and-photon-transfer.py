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
# # Flats, their features, and the photon transfer curve
#
# A flat is a picture of nothing: a screen, a lamp, the twilight sky. It shows the detector itself, and few
# things teach more about one than looking at its flats carefully. This page makes an inventory of what can
# be seen in the flats of a sensor of a large survey camera, asks of each feature where in the signal chain
# it arises, and then measures the gain from nothing but the noise of flats.

# %%
import numpy as np
from astropy import units as u
from matplotlib import pyplot as plt

import fullwell as fw
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.features import (
    AmplifierGainSteps,
    Annealing,
    CoffeeStains,
    Donuts,
    EdgeRollOff,
    MidlineBreak,
    PictureFrame,
    PixelResponse,
    TreeRings,
    Vignetting,
    response_of,
)

# A sensor with 16 amplifiers, each with fewer pixels than the real one, so that the page builds quickly.
detector = with_amplifiers_of(fw.Detector.preset("lsst-e2v"), (250, 64))

# %% [markdown]
# ## A flat in two colors
#
# Light of 365 nm is absorbed in the first few nanometers of the silicon, light of 900 nm goes through most
# of it. Whatever sits at the surface shows in the violet and is gone in the red.

# %%
features = [
    Vignetting(0.03),
    Donuts(number=6, distance=3 * u.mm, depth=0.02, seed=3),
    PixelResponse(0.004),
    TreeRings(1e-3, growth=500),
    EdgeRollOff(),
    PictureFrame(),
    MidlineBreak(),
    Annealing(),
    CoffeeStains(size=40),
    AmplifierGainSteps(np.linspace(-0.004, 0.004, 16)),
]
flats = {nm: response_of(features, detector, wavelength=nm * u.nm).response for nm in (365, 620, 900)}
for nm, response in flats.items():
    print(f"{nm} nm: from {np.percentile(response, 0.5):.3f} to {np.percentile(response, 99.5):.3f}")

# %%
fw.show_image(flats[365], unit="", limits=99.0, title="Flat at 365 nm")

# %%
fw.show_image(flats[620], unit="", limits=99.0, title="Flat at 620 nm")

# %%
fw.show_image(flats[900], unit="", limits=99.0, title="Flat at 900 nm")

# %% [markdown]
# ## Inventory
#
# For each feature ask: What does its shape say? Does it belong to an amplifier, to the detector, to the
# optics? Is it in all colors? Does it act on photons or on electrons? Where in the chain does it come in,
# and is dividing by the flat the right cure?

# %%
print(f"{'feature':22s} {'acts on':12s} {'365 nm':>8s} {'620 nm':>8s} {'900 nm':>8s}   peak to peak, percent")
for feature in features:
    contrast = [
        100 * np.subtract(*np.percentile(feature.render(detector, wavelength=nm), (99.9, 0.1)))
        for nm in (365.0, 620.0, 900.0)
    ]
    print(f"{feature.name:22s} {feature.acts_on!s:12s} " + " ".join(f"{c:8.2f}" for c in contrast))

# %% [markdown]
# Annealing and coffee stains are violet only: they are in the surface. Vignetting and dust have no color:
# they are optics. Tree rings, edge and midline act on the *area* of pixels, and a star there keeps all its
# electrons and is moved: [Pixel area](../effects/pixel-area.md) has the size of it.
#
# ### Looking at the right scale
#
# Noise and the response of single pixels hide what is smooth and faint. Averaged over blocks, or along
# rows, it comes out:

# %%
fw.show_image(
    flats[620] / response_of([Vignetting(0.03)], detector).response,
    limits=98.0,
    unit="",
    title="Without vignetting",
)

# %%
fw.show_profile(flats[620], against="row", average="median", unit="", title="Median of each row: the midline")

# %%
fw.show_profile(
    flats[620],
    against="column",
    average="median",
    unit="",
    title="Median of each column: steps between amplifiers",
)

# %% [markdown]
# The ratio of two colors shows only what has a color:

# %%
fw.show_image(flats[365] / flats[620], limits=99.0, unit="", title="365 nm over 620 nm")

# %% [markdown]
# ## Two kinds of noise
#
# Now the gain. A pixel with S electrons has a Poisson scatter of the square root of S, and a read noise
# that does not depend on S. In a double logarithmic plot of noise against signal these are two straight
# lines: one level, one of slope 1/2.

# %%
GAIN, READ_NOISE = 0.8, 5.0  # e-/ADU, e-
rng = np.random.default_rng(82)


def one_row(electrons):
    """Return the values of 1000 pixels, in ADU without a bias."""
    return (rng.poisson(electrons, 1000) + rng.normal(0.0, READ_NOISE, 1000)) / GAIN


levels = np.geomspace(1, 10_000, 200)
rows = [one_row(level) for level in levels]
mean, noise = np.array([r.mean() for r in rows]), np.array([r.std(ddof=1) for r in rows])
light = mean > 1000
slope, offset = np.polyfit(np.log10(mean[light]), np.log10(noise[light]), 1)

figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
shown = mean > 0
ax.loglog(mean[shown], noise[shown], ".", label="measured")
ax.loglog(mean[light], 10**offset * mean[light] ** slope, label=f"slope {slope:.3f}")
ax.axhline(READ_NOISE / GAIN, color="gray", ls=":", label="read noise")
ax.set_xlabel("signal (ADU)")
ax.set_ylabel("noise (ADU)")
ax.legend()
plt.show()

# %% [markdown]
# The slope is 1/2 whatever the gain is. The *variance* knows the gain: signal is divided by the gain once,
# the variance by its square, and variance over signal is one over the gain.

# %%
variance_slope, intercept = np.polyfit(mean, noise**2, 1)
print(f"slope {variance_slope:.3f} per ADU, 1/slope {1 / variance_slope:.3f} e-/ADU (true {GAIN})")

# %% [markdown]
# ## From real flats: pairs
#
# A real flat has more than noise in it: vignetting, dust, differing pixels. Their scatter is no shot noise,
# and a single flat gives a wrong gain. The difference of *two* equal flats has none of that. So flats are
# taken in pairs, of many exposure times.
#
# Below are pairs of a simulated amplifier with what a real one has: charge that piled up in a pixel pushes
# later charge into the neighbors, the *brighter-fatter* effect. Bright flats come out smoother than
# Poisson.

# %%
amplifier = fw.Detector.single((300, 300), gain=GAIN, read_noise=READ_NOISE)
chain = fw.SignalChain(
    [
        response_of([Vignetting(0.05), PixelResponse(0.01)], amplifier),
        fw.ShotNoise(),
        fw.BrighterFatter.preset("e2v"),
        fw.ReadNoise(READ_NOISE),
        fw.Gain(GAIN),
        fw.Bias(level=1000.0),
        fw.ADC(bits=18),
    ],
    detector=amplifier,
)

# %%
lamp = fw.Lamp(1000.0)  # e-/s
times = [0.0] * 4 + [t for t in np.linspace(2, 90, 18) for _ in range(2)]
frames = [
    chain.expose(lamp if seconds else None, seconds, noise=fw.Noise(7, exposure=number)).frame
    for number, seconds in enumerate(times)
]
biases, flats_taken = frames[:4], frames[4:]

# One pair by hand ...
pair = fw.gain_from_pair(flats_taken[-2], flats_taken[-1], biases[0], biases[1])
print(f"brightest pair alone: {pair.gain:.4f} +- {pair.gain_error:.4f} e-/ADU")

# ... and all of them together
bias = fw.Bias.measure(biases)
known = fw.SignalChain([bias])
transfer = fw.PhotonTransfer.fit([known.correct(f) for f in [*biases[:2], *flats_taken]])
gain, noise = transfer.gain, transfer.read_noise
print(f"whole curve:          {gain.value[0]:.4f} +- {gain.error[0]:.4f} e-/ADU (true {GAIN})")
print(f"read noise:           {noise.value[0]:.2f} +- {noise.error[0]:.2f} e- (true {READ_NOISE})")
print(f"a00:                  {transfer.brighter_fatter.a[0][0, 0]:.2e} per e- (true -3.09e-6)")

# %%
figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
transfer.plot(ax)
plt.show()

# %% [markdown]
# The bright pair alone says a gain that is far too high, since the variance that it lacks is taken for
# fewer, larger steps. The curve as a whole bends, and the fit with the covariances of neighboring pixels
# knows where the missing variance went: [photon transfer](../photon-transfer.md),
# [brighter-fatter](../effects/brighter-fatter.md).
