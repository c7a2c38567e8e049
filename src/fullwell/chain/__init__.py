"""The effects of one detector in order; forward they make raw frames, backward they undo themselves."""

from fullwell.chain.forward import Exposure, Renders, Take
from fullwell.chain.signal_chain import SignalChain
from fullwell.chain.truth_file import ChainTruth, read_chain_truth, write_chain_truth

__all__ = [
    "ChainTruth",
    "Exposure",
    "Renders",
    "SignalChain",
    "Take",
    "read_chain_truth",
    "write_chain_truth",
]
