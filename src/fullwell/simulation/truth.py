"""What is true about simulated frames, written beside them and read back for comparison."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy.io import fits

from fullwell.chain import Exposure, SignalChain
from fullwell.effects import Dark, Effect
from fullwell.errors import FrameError, UnreadableFile
from fullwell.files import write_whole
from fullwell.simulation.instrument import Instrument
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.schedule import Shot, schedule
from fullwell.simulation.truth_parts import parts_as_hdus, parts_from_hdus

__all__ = ["FrameTruth", "Truth", "truth_files", "write_truth"]

Map = npt.NDArray[np.float32]


@attrs.frozen(eq=False)
class FrameTruth:
    """What was realized in one frame.

    Parameters
    ----------
    shot : Shot
    bias_offset : float
        Drift of the level in this frame, ADU.
    cosmic_rays : ndarray of bool or None, shape (rows, columns)
        Pixels that were hit.
    cosmic_ray_count : int
    expected : ndarray of float32 or None
        Expected photo-electrons behind the flat and all else that acts on light, for frames that saw the sky.
    effects : tuple of Effect
        Those that acted on this exposure and are not the same in all.
    realized : mapping
        What the effects say of it, apart from what stands above.
    """

    shot: Shot
    bias_offset: float
    cosmic_rays: npt.NDArray[np.bool_] | None
    cosmic_ray_count: int
    expected: Map | None = None
    effects: tuple[Effect, ...] = ()
    realized: Mapping[str, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, exposure: Exposure, shot: Shot, chain: SignalChain, *, lasting: Sequence[Effect]) -> Self:
        """Gather what is true about an exposure; `lasting` are the effects of all exposures."""
        known, truth = {id(effect) for effect in lasting}, dict(exposure.truth)
        return cls(
            shot=shot,
            bias_offset=float(truth.pop("bias_offset")),
            cosmic_rays=truth.pop("cosmic_rays", None),
            cosmic_ray_count=int(truth.pop("cosmic_ray_count", 0)),
            effects=tuple(effect for effect in chain if id(effect) not in known),
            realized=truth,
        )


def truth_files(folder: Path) -> tuple[Path, Path]:
    """Return where the truth of a folder of raw frames lies: numbers (JSON) and images (FITS)."""
    return folder / "truth.json", folder / "truth.fits"


def write_truth(folder: Path, instrument: Instrument, frames: list[FrameTruth]) -> tuple[Path, Path]:
    """Write ``truth.json`` and ``truth.fits``.

    The FITS file says ``PRODUCT = 'truth'`` and holds BIAS (level and structure, ADU), DARKRATE (e-/s),
    FLAT_<number> with its FILTER, tables STARS and GALAXIES (x, y, flux in e-/s, ..., before dithering), a
    table COSMICS of hit pixels (exposure, y, x), and one image EXPECTED a science frame (photo-electrons;
    EXTVER is the exposure). With effects beyond these, both files hold all their parameters and what they
    realized in each frame; see `parts_as_hdus`.

    Raises
    ------
    FileError
        If the disk does not take it.
    """
    numbers, images = truth_files(folder)
    hdus = _images(instrument, frames)
    content: dict[str, Any] = {
        "scenario": instrument.scenario.model_dump(mode="json"),
        "seed": instrument.seed,
        "frames": [_numbers(instrument, frame) for frame in frames],
    }
    if instrument.has_parts:
        said = {
            "detector": instrument.detector,
            "effects": list(instrument.lasting),
            "frames": {f.shot.file: {"effects": list(f.effects), "realized": f.realized} for f in frames},
        }
        more, tree = parts_as_hdus(said, known=hdus)
        hdus += more
        content |= {"detector": tree["detector"], "effects": tree["effects"]}
        for numbers_of_frame in content["frames"]:
            numbers_of_frame |= tree["frames"][numbers_of_frame["file"]]
    stream = io.BytesIO()
    fits.HDUList(hdus).writeto(stream)
    write_whole(images, stream.getvalue())
    write_whole(numbers, (json.dumps(content, indent=1) + "\n").encode())
    return numbers, images


@attrs.frozen(eq=False, slots=False)
class Truth:
    """The truth of a folder of simulated frames.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        The seed that was used.
    frames : dict of str to dict
        Numbers of each frame, by file name.
    bias, dark_rate : ndarray of float32
        Level and structure in ADU; e-/s.
    flats : dict of str to ndarray of float32
        Response by filter.
    """

    folder: Path
    scenario: Scenario
    seed: int
    frames: dict[str, dict[str, Any]]
    bias: Map
    dark_rate: Map
    flats: dict[str, Map]

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read the truth that lies beside simulated frames.

        Raises
        ------
        UnreadableFile
            If there is none.
        """
        numbers, images = truth_files(Path(folder))
        for path in (numbers, images):
            if not path.is_file():
                raise UnreadableFile(path, "no truth here; was this folder written by `fullwell simulate`?")
        content = json.loads(numbers.read_text(encoding="utf-8"))
        with fits.open(images) as hdus:
            flats = {hdu.header["FILTER"]: _native(hdu) for hdu in hdus if hdu.name.startswith("FLAT_")}
            bias, dark = _native(hdus["BIAS"]), _native(hdus["DARKRATE"])
        return cls(
            folder=Path(folder),
            scenario=Scenario.from_dict(content["scenario"]),
            seed=content["seed"],
            frames={frame["file"]: frame for frame in content["frames"]},
            bias=bias,
            dark_rate=dark,
            flats=flats,
        )

    def expected(self, file: str) -> Map:
        """Return the expected photo-electrons of a science frame, behind the flat.

        Raises
        ------
        FrameError
            If this is no science frame of the folder.
        """
        exposure = self._exposure(file)
        with fits.open(truth_files(self.folder)[1]) as hdus:
            if ("EXPECTED", exposure) not in hdus:
                raise FrameError(f"{file} did not see the sky; expected light is kept for science frames")
            return _native(hdus["EXPECTED", exposure])

    def expected_dark(self, file: str) -> Map:
        """Return the expected dark electrons of a frame.

        Raises
        ------
        FrameError
            If this is no frame of the folder.
        """
        self._exposure(file)
        table = self.scenario.dark
        seconds = self.frames[file]["dark_time"]
        dark: Any
        if table.law is None:
            dark = Dark(rate=self.dark_rate, offset=table.offset, dead_time=table.dead_time)
        else:
            dark = self.chain(file).get("dark")  # of the temperature of this frame
        return np.asarray(dark.level_at(seconds), np.float32)

    def cosmic_rays(self, file: str) -> npt.NDArray[np.bool_]:
        """Return the mask of the pixels that were hit in a frame.

        Raises
        ------
        FrameError
            If this is no frame of the folder.
        """
        exposure = self._exposure(file)
        mask = np.zeros(self.bias.shape, np.bool_)
        with fits.open(truth_files(self.folder)[1]) as hdus:
            hits = hdus["COSMICS"].data
            own = hits["exposure"] == exposure
            mask[hits["y"][own], hits["x"][own]] = True
        return mask

    def chain(self, file: str) -> SignalChain:
        """Return the effects that acted on a frame, with their parameters and maps.

        Raises
        ------
        FrameError
            If this is no frame of the folder.
        """
        exposure = self._exposure(file)
        said = self._parts
        if said is not None:
            chain = SignalChain(said["effects"], detector=said["detector"])
            return chain.with_(*said["frames"][file]["effects"])
        instrument = Instrument.build(self.scenario, seed=self.seed)
        shot = schedule(self.scenario, seed=self.seed)[exposure - 1]
        return SignalChain(instrument.chain(shot), detector=instrument.detector)

    def realized(self, file: str) -> dict[str, Any]:
        """Return what effects realized in a frame, by their names, beside what `frames` holds.

        Raises
        ------
        FrameError
            If this is no frame of the folder.
        """
        self._exposure(file)
        said = self._parts
        return {} if said is None else dict(said["frames"][file]["realized"])

    @cached_property
    def _parts(self) -> Any:
        """What `write_truth` wrote of effects; None where each has an image of its own."""
        with fits.open(truth_files(self.folder)[1]) as hdus:
            return parts_from_hdus(hdus)

    def _exposure(self, file: str) -> int:
        if file not in self.frames:
            raise FrameError(f"{file} is not among the {len(self.frames)} frames of {self.folder}")
        return int(self.frames[file]["exposure"])


def _numbers(instrument: Instrument, frame: FrameTruth) -> dict[str, Any]:
    shot, entry = frame.shot, frame.shot.entry
    sky = instrument.scenario.sky.get(entry.filter or "") if entry.type == "light" else None
    return {
        "file": shot.file,
        "exposure": shot.exposure,
        "type": entry.type,
        "filter": entry.filter,
        "exposure_time": shot.exposure_time,
        "dark_time": shot.exposure_time,
        "start": shot.start.isoformat(timespec="milliseconds"),
        "temperature": shot.temperature,
        "bias_offset": frame.bias_offset,
        "lamp": entry.lamp,
        "sky": None if sky is None else sky.model_dump(mode="json"),
        "dither": list(shot.dither),
        "cosmic_ray_count": frame.cosmic_ray_count,
        "cosmic_ray_pixels": 0 if frame.cosmic_rays is None else int(frame.cosmic_rays.sum()),
    }


def _images(instrument: Instrument, frames: list[FrameTruth]) -> list[Any]:
    detector = instrument.detector
    level = np.broadcast_to(detector.spread(instrument.scenario.bias.level), detector.shape)
    bias = (level if instrument.bias is None else level + instrument.bias).astype(np.float32)
    primary = fits.PrimaryHDU()
    primary.header["PRODUCT"] = ("truth", "what is true about the frames beside it")
    hdus: list[Any] = [
        primary,
        _image(bias, "BIAS", "adu"),
        _image(instrument.dark, "DARKRATE", "electron / s"),
    ]
    for i, (name, flat) in enumerate(instrument.flats.items(), start=1):
        hdu = _image(flat, f"FLAT_{i}", "")
        hdu.header["FILTER"] = name
        hdus.append(hdu)
    galaxies = ("x", "y", "flux", "radius", "index", "axis_ratio", "angle")
    for name, field, names in (
        ("STARS", instrument.stars, ("x", "y", "flux")),
        ("GALAXIES", instrument.scenery.galaxies, galaxies),
    ):
        if field is not None:
            columns = [fits.Column(column, "D", array=getattr(field, column)) for column in names]
            hdus.append(fits.BinTableHDU.from_columns(columns, name=name))
    hdus.append(_cosmics(frames))
    for frame in frames:
        if frame.expected is not None:
            hdu = _image(frame.expected, "EXPECTED", "electron")
            hdu.ver = frame.shot.exposure
            hdu.header["FRAME"] = frame.shot.file
            hdus.append(hdu)
    return hdus


def _cosmics(frames: list[FrameTruth]) -> Any:
    hits = []
    for frame in frames:
        if frame.cosmic_rays is not None:
            y, x = np.nonzero(frame.cosmic_rays)
            hits.append(np.stack([np.full(y.size, frame.shot.exposure), y, x]))
    table = np.concatenate(hits, axis=1) if hits else np.zeros((3, 0), int)
    names = ("exposure", "y", "x")
    return fits.BinTableHDU.from_columns(
        [fits.Column(name, "J", array=row) for name, row in zip(names, table, strict=True)], name="COSMICS"
    )


def _image(data: Map, name: str, unit: str) -> Any:
    hdu = fits.ImageHDU(data, name=name)
    if unit:
        hdu.header["BUNIT"] = unit
    return hdu


def _native(hdu: Any) -> Map:
    return np.asarray(hdu.data, np.float32)
