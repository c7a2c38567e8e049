"""Raw frames from a scenario file, with a file of what is true about them."""

from fullwell.simulation.playground_widget import simulator_widget
from fullwell.simulation.run import preview, simulate
from fullwell.simulation.scenario import Scenario, preset_scenarios
from fullwell.simulation.truth import Truth

__all__ = ["Scenario", "Truth", "preset_scenarios", "preview", "simulate", "simulator_widget"]
