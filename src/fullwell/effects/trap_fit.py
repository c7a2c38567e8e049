"""Traps, in the tails behind flats of several levels: what no longer grows with the light."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.charge_trails import Trap
from fullwell.effects.eper import Edge, edges_by_time, late_part
from fullwell.errors import NotEnoughFrames, ParameterError

__all__ = ["TailFit", "TrapTails", "trap_tails"]

#: chi^2 that a trap has to explain to be believed: it has three parameters, two of them searched for.
SEEN = 25.0
LEVELS = 3
#: Of the trap whose size is limited where none is seen, transfers.
LIMIT_RELEASE = 3.0
_RELEASES = np.geomspace(0.7, 20.0, 10)  # a shorter one could not be told from late charge
_DECAYS = (1.0, 50.0)
_ROUNDS = 3
_STEP = 1e-4
Table = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class TailFit:
    """What the tails of one amplifier in one direction say.

    Parameters
    ----------
    cti, cti_error, offset, offset_error : float
        Parts of the light; the offset is 0 with an error of 0 in the parallel direction.
    trap : Trap or None
        The trap that explains the rest, at the output; None where nothing was seen.
    errors : tuple of float
        Of its size, fill and release. Infinite where the levels lie all on one side of where it fills up:
        above, `fill` is the least that it may be; below, `size` is.
    limit : float or None
        Where none was seen: electrons that a trap may hold, 2 sigma, if it is full at every level and
        empties to 1/e in 3 transfers.
    gain : float
        chi^2 that the trap explains.
    """

    cti: float
    cti_error: float
    offset: float
    offset_error: float
    trap: Trap | None
    errors: tuple[float, float, float]
    limit: float | None
    gain: float

    def summary(self) -> dict[str, float | None]:
        """Return numbers for `ChargeTransfer.statistics`."""
        names = ("size", "fill", "release")
        values = {name: None if self.trap is None else getattr(self.trap, name) for name in names}
        errors = {f"{name}_error": error for name, error in zip(names, self.errors, strict=True)}
        return {**values, **errors, "limit": self.limit, "chi2_explained": self.gain}


#: Of an amplifier without such an overscan.
_BLIND = TailFit(0.0, np.inf, 0.0, np.inf, None, (np.inf,) * 3, np.inf, 0.0)


@attrs.frozen(eq=False)
class TrapTails:
    """Fits of all amplifiers, and the decay of their local offset in pixels."""

    serial: list[TailFit]
    parallel: list[TailFit]
    decay: float


def trap_tails(frames: Iterable[Any], *, gains: Sequence[float], skip: int = 0) -> TrapTails:
    """Fit CTI, local offset and one trap for each direction of each amplifier.

    Parameters
    ----------
    frames : iterable of Frame
        Raw flats of three exposure times or more; those of one time are averaged.
    gains : sequence of float
        e-/ADU, one for all amplifiers or one each.
    skip : int
        Rows next to the register that are left out of the serial tails.

    Raises
    ------
    NotEnoughFrames
        If there are fewer than three levels.

    Notes
    -----
    A full trap that let its charge go with the time constant r leaves ``H (1 - k) k^(j-1)`` electrons in the
    j-th pixel behind the edge, k = exp(-1/r), where H is what it holds: in proportion to the light up to its
    size. Late charge and the local offset grow with the light at all levels, and so are told apart. At given
    r and filling level all else is linear and solved; these two are searched for on a grid, then refined.
    What a trap catches again of the late charge is left out: it matters where its fill is far above 0.01.
    """
    found = edges_by_time(frames, skip=skip)
    if len(found) < LEVELS:
        raise NotEnoughFrames(f"traps need flats of {LEVELS} exposure times or more, there is {list(found)}")
    levels = list(found.values())
    number = len(levels[0].detector.amplifiers)
    if len(gains) not in (1, number):
        raise ParameterError("gain", len(gains), f"1 value, or {number}: one for each amplifier")
    each = list(gains) * number if len(gains) == 1 else list(gains)
    serial = _in_electrons([level.serial for level in levels], each)
    parallel = _in_electrons([level.parallel for level in levels], each)
    fits, decay = _fit_all([tails for tails in serial if tails], slow=True)
    along, _ = _fit_all([tails for tails in parallel if tails], slow=False)
    return TrapTails(_spread(fits, serial), _spread(along, parallel), decay)


def _in_electrons(levels: list[list[Edge | None]], gains: list[float]) -> list[list[Edge]]:
    """Edges of each amplifier at all levels; none without an overscan."""
    tails = []
    for edges, gain in zip(zip(*levels, strict=True), gains, strict=True):
        tails.append(
            [
                attrs.evolve(e, level=e.level * gain, late=e.late * gain, error=e.error * gain)
                for e in edges
                if e is not None
            ]
        )
    return tails


def _spread(fits: list[TailFit], tails: list[list[Edge]]) -> list[TailFit]:
    left = iter(fits)
    return [_numbered(next(left), k) if edges else _BLIND for k, edges in enumerate(tails)]


def _numbered(fit: TailFit, amplifier: int) -> TailFit:
    return fit if fit.trap is None else attrs.evolve(fit, trap=attrs.evolve(fit.trap, amplifier=amplifier))


@attrs.define(eq=False)
class _Tails:
    """Tails of one amplifier; linear are CTI, offset (where `slow`) and what a trap holds, in this order."""

    edges: list[Edge]
    slow: bool
    decay: float
    #: Release and filling level of the trap that is believed, if any.
    trap: tuple[float, float] | None = None
    late: list[Table] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.start_at(1e-9)

    def start_at(self, cti: float) -> None:
        """Take late charge to be in proportion to `cti` around this value: some may be late twice."""
        fraction = min(max(cti, 1e-9), 1e-2)
        self.late = [late_part(fraction, edge) / fraction * edge.level for edge in self.edges]

    def design(self, decay: float, trap: tuple[float, float] | None) -> Table:
        """Weighted columns of the linear parameters."""
        columns = [np.concatenate(self.late)]
        if self.slow:
            columns.append(np.concatenate([edge.behind(decay) * edge.level for edge in self.edges]))
        weighted = [column / self.errors for column in columns]
        if trap is not None:
            weighted.append(self.held(np.array(trap[0]), np.array(trap[1])))
        return np.stack(weighted, axis=1)

    def held(self, release: Table, full: Table) -> Table:
        """Weighted tails of traps that hold one electron when full; the last axis is that of the pixels."""
        behind = []
        kept = np.exp(-1 / release)[..., None]
        tail = kept ** np.arange(self.edges[0].late.size)
        for edge in self.edges:
            far = kept**edge.late.size * (1 - kept**edge.base) / (1 - kept) / edge.base
            behind.append((tail - far) * (1 - kept) * np.minimum(edge.level / full, 1.0)[..., None])
        return np.asarray(np.concatenate(behind, axis=-1) / self.errors)

    @property
    def errors(self) -> Table:
        return np.asarray(np.maximum(np.concatenate([edge.error for edge in self.edges]), 1e-12))

    @property
    def target(self) -> Table:
        return np.concatenate([edge.late for edge in self.edges]) / self.errors

    def solve(self, decay: float, trap: tuple[float, float] | None) -> tuple[Table, float]:
        """Linear parameters and chi^2."""
        design, target = self.design(decay, trap), self.target
        scale = np.sqrt((design**2).sum(axis=0))
        values = np.linalg.lstsq(design / scale, target, rcond=None)[0] / scale
        return values, float(np.sum((target - design @ values) ** 2))

    def settle(self, trap: tuple[float, float] | None) -> float:
        """Solve with late charge around the CTI that comes out; chi^2."""
        chi2 = np.inf
        for _ in range(_ROUNDS):
            values, chi2 = self.solve(self.decay, trap)
            self.start_at(float(values[0]))
        return chi2

    @property
    def range(self) -> tuple[float, float]:
        """Filling levels that can be told apart."""
        levels = [edge.level for edge in self.edges]
        return min(levels), max(levels)

    def search(self) -> tuple[float, float]:
        """Release and filling level that explain most, of a trap that holds something."""
        from scipy.optimize import least_squares

        low, high = self.range
        # What late charge and offset explain anyway is taken out of the tails and of each trap's.
        base = np.linalg.qr(self.design(self.decay, None))[0]
        target = self.target - base @ (base.T @ self.target)

        def unit(release: Table, full: Table) -> Table:
            rows = self.held(release, full)
            rows = rows - (rows @ base) @ base.T
            return np.asarray(rows / np.sqrt(np.sum(rows**2, axis=-1, keepdims=True)))

        fulls = np.geomspace(low, high, 2 * len(self.edges))
        releases, fulls = (axis.ravel() for axis in np.meshgrid(_RELEASES, fulls))
        best = int(np.argmax(unit(releases, fulls) @ target))

        def misfit(logs: Table) -> Table:
            row = unit(np.exp(logs[0]), np.exp(logs[1]))
            return np.asarray(target - row * (row @ target))

        bounds = np.log([[0.5, low * (1 - 1e-9)], [60.0, high * (1 + 1e-9)]])
        start = np.log([releases[best], fulls[best]])
        result = least_squares(misfit, np.clip(start, *bounds), bounds=bounds, diff_step=1e-3)
        release, full = np.exp(result.x)
        return float(release), float(full)

    def covariance(self, values: Table, trap: tuple[float, float] | None) -> Table:
        """Of the linear parameters, then of the logarithms of release and filling level.

        At the ends of the range the filling level is not free; it then has an infinite variance.
        """
        design = self.design(self.decay, trap)
        if trap is None:
            return _inverse(design)
        ways = [(np.exp(_STEP), 1.0)]
        low, high = self.range
        inside = 1.01 * low < trap[1] < 0.99 * high
        if inside:
            ways.append((1.0, np.exp(_STEP)))
        more = [
            (
                self.design(self.decay, (trap[0] * a, trap[1] * b)) @ values
                - self.design(self.decay, (trap[0] / a, trap[1] / b)) @ values
            )
            / (2 * _STEP)
            for a, b in ways
        ]
        covariance = _inverse(np.column_stack([design, *more]))
        return covariance if inside else np.pad(covariance, (0, 1), constant_values=np.inf)


def _inverse(design: Table) -> Table:
    scale = np.sqrt((design**2).sum(axis=0))
    scaled = design / scale
    return np.asarray(np.linalg.pinv(scaled.T @ scaled, hermitian=True) / np.outer(scale, scale))


def _fit_all(amplifiers: list[list[Edge]], *, slow: bool) -> tuple[list[TailFit], float]:
    """Fit each amplifier, with one decay of the local offset for all."""
    if not amplifiers:
        return [], 1.0
    tails = [_Tails(edges, slow, decay=5.0) for edges in amplifiers]
    for _ in range(_ROUNDS):  # without traps at first, or one could take the place of the offset
        _share_decay(tails)
        plain = [one.settle(None) for one in tails]
    for _ in range(_ROUNDS if slow else 1):
        for i, one in enumerate(tails):
            # Beside other traps the best decay may be another one: the better of both is to be beaten.
            plain[i] = min(plain[i], one.settle(None))
            trap = one.search()
            values, left = one.solve(one.decay, trap)
            one.trap = trap if values[-1] > 0 and plain[i] - left > SEEN else None
            if one.trap is not None:
                one.settle(one.trap)
                one.trap = one.search()
        _share_decay(tails)
    return [_result(one, chi2) for one, chi2 in zip(tails, plain, strict=True)], tails[0].decay


def _share_decay(tails: list[_Tails]) -> None:
    """Give all the decay with which they fit best together, traps and late charge as they are."""
    from scipy.optimize import minimize_scalar

    if not tails[0].slow:
        return

    def misfit(log_decay: float) -> float:
        return sum(one.solve(float(np.exp(log_decay)), one.trap)[1] for one in tails)

    best = minimize_scalar(misfit, bounds=np.log(_DECAYS), method="bounded", options={"xatol": 1e-3})
    for one in tails:
        one.decay = float(np.exp(best.x))


def _result(tails: _Tails, plain: float) -> TailFit:
    values, chi2 = tails.solve(tails.decay, tails.trap)
    covariance = tails.covariance(values, tails.trap)
    errors = np.sqrt(np.diag(covariance))
    offset = (float(values[1]), float(errors[1])) if tails.slow else (0.0, 0.0)
    common = (float(values[0]), float(errors[0]), *offset)
    if tails.trap is None:
        full = (LIMIT_RELEASE, tails.range[0])
        size = tails.solve(tails.decay, full)[0][-1]
        error = float(np.sqrt(_inverse(tails.design(tails.decay, full))[-1, -1]))
        return TailFit(*common, None, (np.inf,) * 3, max(float(size), 0.0) + 2 * error, 0.0)
    trap, spread = _trap_of(tails, values, covariance)
    return TailFit(*common, trap, spread, None, plain - chi2)


def _trap_of(tails: _Tails, values: Table, covariance: Table) -> tuple[Trap, tuple[float, float, float]]:
    assert tails.trap is not None
    release, full = tails.trap
    size = float(values[-1])
    last = len(values) - 1
    # Light that goes on refills it with its own charge: held = fill (light + what is let go).
    share = size / full
    fill = min(share / (1 - share * np.expm1(-1 / release)), 1.0)
    relative = float(np.sqrt(covariance[last, last])) / size
    size_error, fill_error = size * relative, np.inf
    spread = float(np.sqrt(covariance[last + 2, last + 2]))
    margin = 2 * spread if np.isfinite(spread) else 0.02
    below, above = np.log(full / tails.range[0]), np.log(tails.range[1] / full)
    if above <= min(margin, below):  # perhaps never full: what is seen is in proportion to the light
        size_error, fill_error = np.inf, fill * relative
    elif below > margin:
        both = relative**2 - 2 * covariance[last, last + 2] / size + spread**2
        fill_error = fill * float(np.sqrt(max(both, 0.0)))
    errors = (size_error, fill_error, float(release * np.sqrt(covariance[last + 1, last + 1])))
    return Trap(0, size, float(fill), release), errors
