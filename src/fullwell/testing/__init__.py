"""Contract suites for those who write effects or displays of their own; needs the extra ``testing``."""

from fullwell.testing.contract import EffectContract
from fullwell.testing.display_contract import DisplayBackendContract
from fullwell.testing.pulls import Residual, check_pulls, residual_of

__all__ = ["DisplayBackendContract", "EffectContract", "Residual", "check_pulls", "residual_of"]
