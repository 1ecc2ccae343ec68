"""Planning the next trial: power, error rates and precision by simulation with the real analysis.

A design (YAML, :class:`.design.PlannedTrial`) is simulated thousands of times and every simulated
trial is analysed by the mixed model that will analyse the real one. Where theory has a closed
form, it stands beside the simulation (:mod:`.closed_form`).
"""

from ipt_outcomes.planning.characteristics import Characteristics, characteristics_of
from ipt_outcomes.planning.design import PlannedTrial
from ipt_outcomes.planning.search import SampleSize, find_sample_size
from ipt_outcomes.planning.simulation import at_the_same_time, simulate_trials

__all__ = [
    "Characteristics",
    "PlannedTrial",
    "SampleSize",
    "at_the_same_time",
    "characteristics_of",
    "find_sample_size",
    "simulate_trials",
]
