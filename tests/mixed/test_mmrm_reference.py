"""Fits equal those of R's mmrm at its exact optimum (reference/mmrm.json, mmrm 0.3.18)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.mixed.validate import (
    FORMULA,
    TOLERANCE,
    compare_with_mmrm,
    fit_reference,
    mmrm_requests,
    reference_trial,
    stored,
)

FOLDER = Path(__file__).parents[1] / "reference"


@pytest.mark.parametrize("case", mmrm_requests())
def test_fit_equals_mmrm(case):
    # mmrm(change ~ baseline * visit + arm * visit + site + us(visit | participant), method = ...)
    found = compare_with_mmrm(
        fit_reference(FOLDER, **mmrm_requests()[case]), stored(FOLDER, "mmrm")[case]
    )
    assert max(found.values()) < TOLERANCE, found


def test_information_criteria_equal_mmrm():
    result = fit_reference(FOLDER, df="satterthwaite")
    reference = stored(FOLDER, "mmrm")["us/satterthwaite"]
    assert result.aic == pytest.approx(reference["aic"], rel=1e-9)
    assert result.bic == pytest.approx(reference["bic"], rel=1e-9)
    assert (result.n_observations, result.n_participants) == (512, 168)
    assert result.convergence.converged
    assert result.convergence.largest_gradient < 1e-8


def test_excluded_rows_are_counted_by_reason():
    assert fit_reference(FOLDER).counts["excluded: change missing"] == 160


def test_printout_says_method_and_convergence():
    text = str(fit_reference(FOLDER))
    for part in ("REML", "kenward-roger", "unstructured", "converged", "512 observations"):
        assert part in text


def test_row_order_does_not_matter():
    frame = reference_trial(FOLDER).sample(frac=1.0, random_state=1)
    shuffled = mixed_model(
        FORMULA, frame, participant="participant", visit="visit", reference={"arm": "MED"}
    )
    np.testing.assert_allclose(
        shuffled.coefficients["estimate"],
        fit_reference(FOLDER).coefficients["estimate"],
        rtol=1e-9,
    )
