"""Files are mapped where that stays within the memory that is allowed, and read by rows elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from fullwell.combining.inputs import LOOKED_AT, Inputs
from fullwell.io.file_planes import FilePlane, MappedPlane
from fullwell.io.plain_images import plain_image


@pytest.mark.parametrize(("memory", "kind"), [(3 * LOOKED_AT, MappedPlane), (LOOKED_AT, FilePlane)])
def test_many_files_are_read_instead_of_mapped(tmp_path, memory, kind):
    side = 2048  # 8 MiB of 16 bits
    inputs = Inputs((side, side))
    for number in range(3):
        path = tmp_path / f"frame_{number}.fits"
        fits.PrimaryHDU(np.full((side, side), number, np.uint16)).writeto(path)
        image = plain_image(path)
        inputs.map(image.image, image.name, {}, memory=memory)
    assert {type(plane) for plane in inputs.data} == {kind}
    assert [int(plane.rows(slice(5, 6)).array[0, 0]) for plane in inputs.data] == [-32768, -32767, -32766]
