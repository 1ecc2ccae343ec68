"""Simulated trials with known truth: the bundled example, power, operating characteristics.

``python -m ipt_outcomes.simulate`` writes the bundled example anew.

Examples
--------
>>> from ipt_outcomes.simulate import TrialDesign, simulate_trial
>>> trial = simulate_trial(TrialDesign(participants=90), seed=7)
>>> sorted(trial.scores()["outcome"].unique())
['bdi2', 'hamd17']
"""

from ipt_outcomes.simulate.design import (
    HYPOTHETICAL,
    TREATMENT_POLICY,
    AreaDesign,
    ArmDesign,
    OutcomeDesign,
    SiteDesign,
    TrialDesign,
)
from ipt_outcomes.simulate.trial import SimulatedTrial, simulate_trial
from ipt_outcomes.simulate.truth import Truth, true_values

__all__ = [
    "HYPOTHETICAL",
    "TREATMENT_POLICY",
    "AreaDesign",
    "ArmDesign",
    "OutcomeDesign",
    "SimulatedTrial",
    "SiteDesign",
    "TrialDesign",
    "Truth",
    "simulate_trial",
    "true_values",
]
