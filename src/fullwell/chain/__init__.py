"""The effects of one detector in order; forward they make raw frames, backward they undo themselves."""

from fullwell.chain.forward import Exposure, Renders
from fullwell.chain.signal_chain import SignalChain

__all__ = ["Exposure", "Renders", "SignalChain"]
