"""What all tasks of a night share: where things go, how frames are read, which masters are in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import attrs
from astropy.io.fits import Header, getheader

from fullwell.chain import SignalChain
from fullwell.detector import Box
from fullwell.effects import ADC, Effect
from fullwell.effects.assembly import assembled
from fullwell.effects.cropping import cropped
from fullwell.effects.storage import load_product
from fullwell.frame import Frame, FrameSet
from fullwell.night.converters import Converters
from fullwell.night.looking import Look
from fullwell.night.raw_files import CARRIED, RawFiles
from fullwell.night.recipes import MasterRecipe
from fullwell.night.settings import ReduceConfig
from fullwell.sorting import FrameRecord

__all__ = ["Chains", "Context", "Masters", "finds_cosmic_rays"]


class Masters:
    """The masters that were used last, kept in memory for the frames that come next.

    Parameters
    ----------
    most : int
        How many to keep.
    """

    def __init__(self, most: int = 6) -> None:
        self._most = most
        self._held: OrderedDict[tuple[Path, str], Any] = OrderedDict()
        self._lock = Lock()

    def load(self, path: Path, key: str) -> Any:
        """Return the master of that file; `key` tells whether a held one is still the same."""
        with self._lock:
            if (path, key) not in self._held:
                self._held[path, key] = load_product(path)
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
            self._held.move_to_end((path, key))
            return self._held[path, key]


class Chains:
    """The chains that were used last: what one has worked out for a frame serves the next as well.

    Parameters
    ----------
    most : int
        How many to keep.
    """

    def __init__(self, most: int = 3) -> None:
        self._most = most
        self._held: OrderedDict[tuple[Any, ...], SignalChain] = OrderedDict()
        self._lock = Lock()

    def of(self, effects: Sequence[Effect]) -> SignalChain:
        """Return the chain of these effects: masters that are the same objects, others that read the same."""
        # A chain keeps its effects alive, so that an id stays that of one object.
        key = tuple(id(effect) if hasattr(effect, "flags") else repr(effect) for effect in effects)
        with self._lock:
            if key not in self._held:
                self._held[key] = SignalChain(effects)
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return self._held[key]


@attrs.frozen(eq=False)
class Context:
    """Shared by all tasks.

    Parameters
    ----------
    out : Path
        Output folder.
    config : ReduceConfig
    version, config_id : str
        Go into keys and headers.
    looks : dict of str to Look
        By content hash.
    converters : Converters
    raw : RawFiles
    masters : Masters
    chains : Chains
    """

    out: Path
    config: ReduceConfig
    version: str
    config_id: str
    looks: Mapping[str, Look]
    converters: Converters
    raw: RawFiles
    masters: Masters = attrs.field(factory=Masters)
    chains: Chains = attrs.field(factory=Chains)

    @property
    def memory(self) -> int:
        """Ceiling of one stack in bytes."""
        return self.config.combine.memory * 2**20

    def frames(self, records: tuple[FrameRecord, ...]) -> FrameSet:
        """Return the raw frames, read one at a time; each is named by its INPUT card, not by its file."""
        # What is said about a frame goes into the master, and a master does not depend on names of files.
        names = [f"INPUT{i}" for i in range(1, len(records) + 1)]

        def load(item: tuple[FrameRecord, str]) -> Frame:
            return self.raw.read(item[0]).with_(source=item[1])

        return FrameSet(list(zip(records, names, strict=True)), load=load, names=names)

    def adc(self, records: tuple[FrameRecord, ...]) -> ADC:
        """Return the converter as the values of these frames and their kin show it."""
        return self.converters.of(records, saturation=self.config.detector.saturation)

    def path_of(self, name: str) -> Path:
        """Return the file of a master."""
        return self.out / "masters" / f"{name}.fits"

    def master(self, name: str, results: Mapping[str, Any]) -> Any:
        """Return the master that a task of that name has made."""
        return self.masters.load(self.path_of(name), results[name]["key"])

    def master_for(
        self, frame: Frame, master: MasterRecipe, results: Mapping[str, Any], *, window: Any, name: str = ""
    ) -> Any:
        """Return a master, cut to the window of an assembled or raw frame where that is smaller.

        Parameters
        ----------
        frame : Frame
            What it is for.
        master : MasterRecipe
            How the master was taken.
        results : mapping
            Of the tasks before.
        window : tuple of int or None
            First column and row of `frame` on the detector.
        name : str
            Task that made it, if that is not the one of `master`.
        """
        product = self.master(name or master.name, results)
        shape = assembled(frame).shape
        images = (getattr(product, kind, None) for kind in ("structure", "response", "flags"))
        image = next((image for image in images if image is not None), None)
        if image is None or image.shape == shape:
            return product
        (x, y), (x0, y0) = window or (0, 0), master.conditions.window or (0, 0)
        return cropped(product, Box(x - x0, x - x0 + shape[1], y - y0, y - y0 + shape[0]))

    def common_header(self, names: tuple[str, ...]) -> Header:
        """Cards that these masters have in common, of those a master should carry."""
        headers = [getheader(self.path_of(name)) for name in names]  # our own files, of one form
        shared = [
            card
            for keyword in CARRIED
            if keyword in headers[0]
            for card in [headers[0].cards[keyword]]
            if all(header.get(keyword) == card.value for header in headers)
        ]
        return Header(shared)

    def provenance(self, key: str, records: tuple[FrameRecord, ...]) -> dict[str, Any]:
        """Cards that say what a product was made of and by what; no clock, no names, no paths."""
        cards: dict[str, Any] = {
            "FWVERS": (self.version, "version of fullwell"),
            "FWCONF": (self.config_id, "hash of the configuration"),
            "FWKEY": (key, "hash of all this depends on"),
            "NINPUT": (len(records), "number of input frames"),
        }
        for i, record in enumerate(records, start=1):
            cards[f"INPUT{i}" if i < 1000 else f"INP{i}"] = (record.content_hash[:16], "content of input")
        return cards


def finds_cosmic_rays(config: ReduceConfig) -> bool:
    """Whether cosmic rays are looked for."""
    return config.cosmic_rays.find != "no"
