from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.scene import Lamp, Scene, Sky, Stars


def test_parts_add_up():
    sky, stars = Sky(2), Stars([5.0], [5.0], [100.0])
    image = Scene([sky, stars]).render((20, 20))
    np.testing.assert_allclose(image, sky.render((20, 20)) + stars.render((20, 20)))
    assert image.dtype == np.float32


def test_nothing_is_dark():
    assert not Scene().render((4, 5)).any()


def test_lamp():
    assert (Lamp(7).render((2, 3)) == 7).all()
    with pytest.raises(ParameterError, match="level"):
        Lamp(-1)


def test_only_sources():
    with pytest.raises(ParameterError, match="render"):
        Scene([3])


def test_a_scene_of_one_source_needs_no_list():
    assert np.array_equal(Scene(Sky(5.0)).render((2, 3)), Scene([Sky(5.0)]).render((2, 3)))
    with pytest.raises(ParameterError, match="part of a scene"):
        Scene(5.0)
