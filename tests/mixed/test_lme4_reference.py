"""Growth and therapist models equal lme4 with lmerTest and pbkrtest, and published results."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.mixed.validate import (
    COMPOUND_SYMMETRY,
    TOLERANCE,
    compare_random_effects,
    compare_with_lme4,
    fit_growth,
    lme4_requests,
    stored,
)

FOLDER = Path(__file__).parents[1] / "reference"
TRIALS = Path(os.environ.get("IPT_TRIALS", Path(__file__).parents[3] / "shared" / "trials"))


CASES = [
    (case, df)
    for case, request in lme4_requests().items()
    for df in ("satterthwaite", "kenward-roger")
    if df == "satterthwaite" or request.get("reml", True)  # Kenward-Roger needs REML
]


@pytest.mark.parametrize(("case", "df"), CASES)
def test_growth_and_therapists_equal_lme4(case, df):
    reference = stored(FOLDER, "growth_and_therapists")[case]
    fit = fit_growth(FOLDER, reference, df=df, **lme4_requests()[case])
    found = compare_with_lme4(fit, reference) | compare_random_effects(fit, reference)
    assert max(found.values()) < TOLERANCE, found


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
def test_compound_symmetry_equals_the_random_intercept_of_lme4(df):
    reference = stored(FOLDER, "growth_and_therapists")["random_intercept"]
    fit = fit_growth(FOLDER, reference, df=df, **COMPOUND_SYMMETRY)
    found = compare_with_lme4(fit, reference)
    assert max(found.values()) < TOLERANCE, found


def trial(name: str) -> pd.DataFrame:
    path = TRIALS / name
    if not path.exists():
        pytest.skip(f"no {path.name}: set IPT_TRIALS to the folder of real trials")
    return pd.read_csv(path)


def test_reisby_growth_equals_hedeker_and_gibbons():
    # Hedeker & Gibbons (2006) Tables 4.3 to 4.5; full precision from lme4, ML
    frame = trial("reisby/riesby_long.csv")
    fit = mixed_model(
        "hamd ~ week", frame, participant="id", random="1 + week", reml=False, df="satterthwaite"
    )
    assert fit.coefficients["estimate"].tolist() == pytest.approx([23.57695, -2.37707], abs=1e-5)
    assert fit.coefficients["se"].tolist() == pytest.approx([0.54555, 0.20865], abs=1e-5)
    components = [12.629293, -1.420930, 2.078989, 12.216633]
    assert fit.variance_components["estimate"].tolist() == pytest.approx(components, abs=2e-5)
    assert -2 * fit.loglik == pytest.approx(2219.038, abs=5e-4)
    assert fit.counts["rows analysed"] == 375
    restricted = mixed_model(
        "hamd ~ week", frame, participant="id", random="1 + week", df="satterthwaite"
    )
    assert restricted.loglik == pytest.approx(-1109.96, abs=5e-3)
    assert restricted.random_covariance.loc["week", "week"] == pytest.approx(2.13, abs=5e-3)


def test_reisby_quadratic_growth_equals_hedeker_and_gibbons():
    # Table 5.1 (SAS PROC MIXED, ML)
    frame = trial("reisby/riesby_long.csv")
    fit = mixed_model(
        "hamd ~ week + I(week**2)",
        frame,
        participant="id",
        random="1 + week + I(week**2)",
        reml=False,
        df="satterthwaite",
    )
    expected = [23.7602494, -2.6325756, 0.0514812]
    assert fit.coefficients["estimate"].tolist() == pytest.approx(expected, abs=2e-6)
    assert fit.loglik == pytest.approx(-1103.82, abs=5e-3)
    assert [round(v, 2) for v in fit.variance_components["estimate"]] == [
        10.44, -0.92, 6.64, -0.11, -0.94, 0.19, 10.52,
    ]  # fmt: skip


def test_reisby_slopes_by_diagnosis_equal_lme4():
    frame = trial("reisby/riesby_long.csv")
    fit = mixed_model(
        "hamd ~ week*endog",
        frame,
        participant="id",
        random="1 + week",
        reml=False,
        df="satterthwaite",
    )
    expected = [22.47626, -2.36569, 1.98802, -0.02706]
    assert fit.coefficients["estimate"].tolist() == pytest.approx(expected, abs=1e-5)
    assert -2 * fit.loglik == pytest.approx(2214.929, abs=5e-4)


def test_beat_the_blues_random_intercept_equals_the_handbook():
    # Hothorn & Everitt, A Handbook of Statistical Analyses Using R, ch. 13 (lmer, ML)
    frame = trial("beat_the_blues/btheb_long.csv").rename(columns={"bdi.pre": "bdi_pre"})
    fitted = partial(
        mixed_model,
        "bdi ~ bdi_pre + month + treatment + drug + length",
        frame,
        participant="subject",
        reference={"treatment": "TAU", "drug": "No", "length": "<6m"},
    )
    fit = fitted(random="1", reml=False, df="satterthwaite")
    table = fit.coefficients.set_index("term")
    assert table.loc["treatment[BtheB]", "estimate"] == pytest.approx(-2.32908, abs=1e-5)
    assert table.loc["treatment[BtheB]", "se"] == pytest.approx(1.67036, abs=1e-5)
    assert table.loc["month", "estimate"] == pytest.approx(-0.70476, abs=1e-5)
    assert table.loc["month", "se"] == pytest.approx(0.14639, abs=1e-5)
    assert fit.variance_components["estimate"].tolist() == pytest.approx([48.78, 25.14], abs=5e-3)
    assert fit.loglik == pytest.approx(-935.75, abs=5e-3)
    assert (fit.n_observations, fit.n_participants) == (280, 97)
    compound = fitted(covariance="compound symmetry", reml=False, df="satterthwaite")
    assert compound.loglik == pytest.approx(fit.loglik, rel=1e-10)
    restricted = fitted(random="1", information="expected")
    line = restricted.coefficients.set_index("term").loc["treatment[BtheB]"]
    assert line["estimate"] == pytest.approx(-2.3151, abs=5e-5)
    assert line["df"] == pytest.approx(90.60, abs=5e-3)
    assert line["p"] == pytest.approx(0.1806, abs=5e-5)
