"""The reference trial with the events of the stored run of R's rbmi."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.imputation import Draws, IncompleteTrial, draws, incomplete_trial
from ipt_outcomes.imputation.example import small_trial

HERE = Path(__file__).resolve().parent
FORMULA = "change ~ arm + week + baseline*week + arm*week"


@pytest.fixture(scope="session")
def stored() -> dict:
    """Results of rbmi 1.6.0.9000 on mmrm 0.3.18, R 4.2.2."""
    return json.loads((HERE / "reference" / "reference_based_imputation.json").read_text())


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """Two arms of the reference trial."""
    frame = pd.read_csv(HERE.parent / "reference" / "reference_trial.csv")
    return frame[frame["arm"] != "IPT+MED"]


@pytest.fixture(scope="session")
def trial(rows: pd.DataFrame, stored: dict) -> IncompleteTrial:
    """Events at the first visit after the last observed one; earlier gaps stay MAR."""
    return incomplete_trial(
        rows, FORMULA, participant="participant", visit="week", arm="arm", reference="MED",
        events=pd.DataFrame(stored["ice"]),
    )  # fmt: skip


@pytest.fixture(scope="session")
def by_arm(rows: pd.DataFrame, stored: dict) -> IncompleteTrial:
    """Make the reference trial's arms have a covariance each."""
    return incomplete_trial(
        rows, FORMULA, participant="participant", visit="week", arm="arm", reference="MED",
        events=pd.DataFrame(stored["ice"]), covariance_by_arm=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def small() -> IncompleteTrial:
    """Simulate eighty participants."""
    return small_trial(80)


@pytest.fixture(scope="session")
def small_drawn(small: IncompleteTrial) -> Draws:
    """Jackknife them."""
    return draws(small)
