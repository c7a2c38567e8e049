from __future__ import annotations

import numpy as np
import pytest

from fullwell.compat.convenience_functions import display_cosmic_rays, image_snippet, show_image
from fullwell.errors import FrameError, ParameterError


@pytest.fixture(autouse=True)
def plt():
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("Agg")
    yield plt
    plt.close("all")


def shown(plt):
    return plt.gca().images[-1]


@pytest.fixture
def image():
    return np.arange(200.0 * 300).reshape(200, 300)


def test_percentiles(plt, image):
    show_image(image)
    assert shown(plt).norm.vmin == pytest.approx(np.percentile(image, 1), rel=0.02, abs=100)
    assert shown(plt).norm.vmax == pytest.approx(np.percentile(image, 99), rel=0.02)
    show_image(image, percl=20, percu=70, input_ratio=1)
    assert shown(plt).get_clim() == (np.percentile(image, 20), np.percentile(image, 70))
    assert len(plt.gcf().axes) == 2  # with a color bar


def test_blocks_keep_the_mean_and_axes_count_pixels(plt, image):
    show_image(image, input_ratio=10, show_colorbar=False, cmap="gray")
    picture = shown(plt)
    np.testing.assert_allclose(picture.get_array(), image.reshape(20, 10, 30, 10).mean(axis=(1, 3)))
    assert tuple(picture.get_extent()) == (-0.5, 299.5, -0.5, 199.5)
    assert picture.origin == "lower"
    assert picture.get_cmap().name == "gray"
    assert len(plt.gcf().axes) == 1


def test_blocks_that_do_not_fit(plt):
    show_image(np.ones((25, 31)), input_ratio=10)
    assert plt.gca().get_xlim() == (-0.5, 30.5)
    assert plt.gca().get_ylim() == (-0.5, 24.5)
    assert shown(plt).get_array().shape == (4, 4)


def test_large_images_shrink_by_themselves(plt):
    show_image(np.zeros((3000, 3000)), figsize=(4, 4))
    assert max(shown(plt).get_array().shape) < 1000


def test_masks_keep_single_pixels(plt):
    mask = np.zeros((400, 400), bool)
    mask[7, 9] = True
    show_image(mask, is_mask=True, input_ratio=10)
    assert shown(plt).get_array().sum() == 1
    assert shown(plt).get_clim() == (0, 1)


def test_log_and_nan(plt, image):
    from astropy.visualization import LogStretch

    image[5, 5] = np.nan
    show_image(image, log=True, show_ticks=False, figsize=None)
    assert isinstance(shown(plt).norm.stretch, LogStretch)
    assert np.isfinite(shown(plt).get_clim()).all()
    show_image(np.full((5, 5), np.nan))
    show_image(np.full((5, 5), 3.0))
    assert shown(plt).get_clim() == (2.5, 3.5)


def test_figure_and_axes_go_together(plt, image):
    fig, ax = plt.subplots()
    show_image(image, fig=fig, ax=ax)
    assert ax.images
    with pytest.raises(ParameterError, match="both or neither"):
        show_image(image, ax=ax)


def test_snippet(plt, image):
    image_snippet(image, (250, 60), width=11)
    np.testing.assert_array_equal(shown(plt).get_array(), image[55:66, 245:256])
    image_snippet(image, (298, 60), width=11)
    assert shown(plt).get_array().shape == (11, 7)
    image_snippet(image, (298, 60), width=11, pad_black=True, cmap="viridis")
    assert shown(plt).get_array().shape == (11, 11)
    assert shown(plt).get_array()[0, -1] == 0
    with pytest.raises(ParameterError, match="center"):
        image_snippet(image, (900, 60))


def test_cosmic_rays(plt, image):
    from photutils.segmentation import SegmentationImage

    labels = np.zeros(image.shape, int)
    labels[10:13, 20:22], labels[150:152, 250:258] = 1, 2
    rays = SegmentationImage(labels)
    display_cosmic_rays(rays, [labels > 0, image], titles=["Mask", "Image"])
    axes = np.reshape(plt.gcf().axes, (2, 2))
    assert [ax.get_title() for ax in axes.flat] == ["Mask\nCosmic ray 0", "Image", "Cosmic ray 1", ""]
    assert axes[1, 0].images[0].get_clim() == (0, 1)
    assert axes[1, 0].images[0].get_array()[40, 40] == 1
    display_cosmic_rays(rays, [labels > 0, image, image], only_display_rays=[1])
    assert len(plt.gcf().axes) == 3
    with pytest.raises(ParameterError, match="numbers of the 2 rays"):
        display_cosmic_rays(rays, [image], only_display_rays=[2])
    with pytest.raises(ParameterError, match="as many as images"):
        display_cosmic_rays(rays, [image], titles=["a", "b"])


def test_what_is_impossible_is_said(image):
    with pytest.raises(ParameterError, match="percl"):
        show_image(image, percl=99, percu=50)
    with pytest.raises(ParameterError, match="percl"):
        show_image(image, percl=20)
    with pytest.raises(ParameterError, match="input_ratio"):
        show_image(image, input_ratio=0)
    with pytest.raises(FrameError, match="rows and columns"):
        show_image(np.zeros(5))
