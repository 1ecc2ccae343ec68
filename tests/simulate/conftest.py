from __future__ import annotations

import pytest

from ipt_outcomes.simulate import SimulatedTrial, TrialDesign, simulate_trial


@pytest.fixture(scope="session")
def design() -> TrialDesign:
    return TrialDesign()


@pytest.fixture(scope="session")
def trial(design: TrialDesign) -> SimulatedTrial:
    return simulate_trial(design, seed=11)


@pytest.fixture(scope="session")
def large() -> SimulatedTrial:
    """One trial so large that its proportions and moments are those of the design."""
    return simulate_trial(TrialDesign(participants=36_000), seed=12)
