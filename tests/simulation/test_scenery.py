from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from fullwell.errors import ConfigError, ParameterError, UnreadableFile
from fullwell.scene import Moonlight
from fullwell.simulation import Scenario
from fullwell.simulation.instrument import Instrument
from fullwell.simulation.schedule import schedule

SHAPE = (60, 80)
DETECTOR = {"shape": list(SHAPE), "gain": 1.0, "read_noise": 3.0}
LIGHT = {"type": "light", "filter": "V", "exposure_time": 10.0}
WCS = {"ra": 150.0, "dec": 20.0, "pixel_scale": 0.5}


def scenario(sequence=(LIGHT,), detector=DETECTOR, **more):
    return Scenario.from_dict({"detector": detector, "sequence": list(sequence)} | more)


def light(made, number=0):
    instrument = Instrument.build(made, seed=made.seed)
    scene = instrument.scene(schedule(made, seed=made.seed)[number])
    return scene.render(instrument.detector.shape)


def test_moonlight_comes_on_top_of_the_sky():
    moon = {"level": 3.0, "distance": 20.0, "direction": 90.0, "pixel_scale": 60.0}
    image = light(scenario(sky={"V": {"level": 5.0}}, moon={"V": moon}))
    expected = 5 + Moonlight(3.0, distance=20.0, direction=90.0, pixel_scale=60.0).render(SHAPE)
    np.testing.assert_allclose(image, expected, rtol=1e-6)
    assert image[-1].mean() > image[0].mean()


def test_twilight_fades_by_the_clock():
    shots = {"type": "twilight", "filter": "V", "count": 2, "exposure_time": 1.0, "name": "a_{number}.fits"}
    later = {"type": "twilight", "filter": "V", "exposure_time": [4.0], "name": "b.fits"}
    bias = {"type": "bias", "count": 3}
    made = scenario(
        [bias, shots, later], twilight={"V": {"level": 100.0, "halving": 11.0}}, readout_time=10.0
    )
    first, second, third = (light(made, number).mean() for number in (3, 4, 5))
    assert first == pytest.approx(100 * (1 - 2 ** (-1 / 11)) / (np.log(2) / 11), rel=1e-6)
    assert second == pytest.approx(first / 2, rel=1e-6)
    assert third < first / 4
    with pytest.raises(ConfigError, match="twilight"):
        scenario([shots])
    with pytest.raises(ConfigError, match="before sunrise"):
        scenario([shots], twilight={"V": {"level": 1.0, "halving": 0}})


def test_galaxies_and_stars_move_together():
    table = {"number": 30, "flux": [10.0, 100.0], "radius": [1.0, 3.0]}
    stars = {"number": 5, "magnitudes": [10.0, 15.0], "zero_point": 15.0}
    made = scenario([LIGHT | {"dither": 4.0}], galaxies=table, stars=stars)
    instrument = Instrument.build(made, seed=made.seed)
    shot = schedule(made, seed=made.seed)[0]
    moved_stars, moved = instrument.scene(shot).parts
    np.testing.assert_allclose(moved.x - instrument.scenery.galaxies.x, shot.dither[0])
    np.testing.assert_allclose(moved_stars.y - instrument.stars.y, shot.dither[1])
    assert (moved.flux >= 10).all()
    assert (moved.flux <= 100).all()
    assert ((moved.radius >= 1) & (moved.radius <= 3)).all()
    assert instrument.stars.flux.min() >= 1 - 1e-9
    assert instrument.stars.flux.max() <= 100 + 1e-9
    assert instrument.stars.x.min() >= -14.5
    assert shot.dither != (0, 0)


def test_spots_lie_on_the_amplifiers_named():
    detector = {"preset": "lsst-itl", "amplifier": [40, 30]}
    shot = {"type": "spots", "exposure_time": 1.0, "lamp": 100.0, "amplifiers": ["C11"]}
    made = scenario([shot], detector, spots={"radius": 5.0, "blur": 0.0})
    image = light(made)
    rows, columns = np.nonzero(image)
    assert image.max() == 100
    assert (rows.mean(), columns.mean()) == (19.5, 44.5)
    assert rows.size == pytest.approx(np.pi * 25, rel=0.1)
    with pytest.raises(ParameterError, match="C99"):
        light(scenario([shot | {"amplifiers": ["C99"]}], detector))
    with pytest.raises(ConfigError, match="spots are put on"):
        scenario([LIGHT | {"amplifiers": ["C11"]}])


@pytest.mark.parametrize("suffix", ["csv", "fits"])
def test_stars_of_a_catalog(suffix, tmp_path):
    degrees = 0.5 / 3600
    north = Table({"ra": [150.0, 150.0], "dec": [20.0, 20 + 10 * degrees], "G": [15.0, 12.5]})
    north.write(tmp_path / f"field.{suffix}")
    catalog = f'catalog = "field.{suffix}"\ncolumns = {{ mag = "G" }}\nzero_point = 15.0\nfwhm = 2.0\n'
    text = (
        '[detector]\nshape = [61, 81]\ngain = 1.0\nread_noise = 3.0\n[[sequence]]\ntype = "light"\n[stars]\n'
    )
    text += catalog + "[stars.wcs]\nra = 150.0\ndec = 20.0\npixel_scale = 0.5\n"
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    stars = Instrument.build(Scenario.load(path), seed=1).stars
    np.testing.assert_allclose(stars.x, [40, 40], atol=1e-6)
    np.testing.assert_allclose(stars.y, [30, 40], atol=1e-6)
    np.testing.assert_allclose(stars.flux, [1, 10])
    path.write_text(text.replace("[stars.wcs]", "[stars.wcs]\nrotation = 90.0"))
    turned = Instrument.build(Scenario.load(path), seed=1).stars
    assert abs(turned.x[1] - 40) == pytest.approx(10, abs=1e-6)
    (tmp_path / f"field.{suffix}").write_bytes(b"ra,dec\n1,2,3,4\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        Instrument.build(Scenario.load(path), seed=1)
    (tmp_path / f"field.{suffix}").unlink()
    with pytest.raises(UnreadableFile, match="beside the scenario"):
        Instrument.build(Scenario.load(path), seed=1)


@pytest.mark.parametrize(
    ("stars", "message"),
    [
        ({"number": 3}, "one of flux, magnitudes and catalog"),
        ({"number": 3, "flux": [1.0, 2.0], "magnitudes": [1.0, 2.0]}, "one of flux"),
        ({"flux": [1.0, 2.0]}, "flux needs number"),
        ({"number": 3, "magnitudes": [1.0, 2.0]}, "magnitudes needs zero_point"),
        ({"catalog": "x.csv", "zero_point": 20.0}, "catalog needs wcs"),
        ({"catalog": "x.csv", "zero_point": 20.0, "wcs": WCS | {"rotaton": 2.0}}, "did you mean 'rotation'"),
    ],
)
def test_stars_that_are_refused(stars, message):
    with pytest.raises(ConfigError, match=message):
        scenario(stars=stars)
