"""The made-up trials of reference/ and what R gives for them (see reference/make_reference.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.synthesis.continuous import standardised_difference
from ipt_outcomes.synthesis.effects import Effects, make_effects

REFERENCE = Path(__file__).parent / "reference"
TOLERANCE = 1e-6


def close(found, expected, tolerance: float = TOLERANCE) -> None:
    """Compare by absolute difference, values that both lack included."""
    expected = np.array(np.ravel(expected), dtype=float)
    found = np.array(np.ravel(found), dtype=float)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="session")
def r() -> dict:
    return json.loads((REFERENCE / "reference.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def continuous_table() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "continuous.csv")


@pytest.fixture(scope="session")
def binary_table() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "binary.csv")


@pytest.fixture(scope="session")
def continuous(continuous_table) -> Effects:
    """Hedges' g as R's escalc computes it, positive in favour of the arm."""
    t = continuous_table
    g, v = standardised_difference(
        t.mean_reference, t.sd_reference, t.n_reference, t.mean_arm, t.sd_arm, t.n_arm,
        correction="exact",
    )  # fmt: skip
    columns = {"trial": t.trial, "estimate": g, "se": np.sqrt(v), "n_arm": t.n_arm,
               "n_reference": t.n_reference}  # fmt: skip
    return make_effects("g", columns, moderators=t[["control", "weeks"]])


@pytest.fixture(scope="session")
def dependent() -> Effects:
    t = pd.read_csv(REFERENCE / "dependent.csv")
    columns = {"trial": t.trial, "outcome": "row " + t.row.astype(str), "estimate": t.y,
               "se": np.sqrt(t.v)}  # fmt: skip
    return make_effects("g", columns, moderators=t[["format", "rater", "weeks"]])
