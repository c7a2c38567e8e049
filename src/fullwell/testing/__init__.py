"""Contract suites for those who write effects of their own; needs the extra ``testing``."""

from fullwell.testing.contract import EffectContract
from fullwell.testing.pulls import Residual, check_pulls, residual_of

__all__ = ["EffectContract", "Residual", "check_pulls", "residual_of"]
