"""Effect sizes equal those of metafor's escalc (3.8-1)."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.synthesis.binary import binary_effects, g_from_events
from ipt_outcomes.synthesis.continuous import mean_difference, standardised_difference

from .conftest import close

FORMULAS = {"LS": "large sample", "LS2": "large sample, shrunk", "UB": "unbiased"}
CELLS = ["events_arm", "total_arm", "events_reference", "total_reference"]
NAN = float("nan")


def summaries(table):
    columns = ["mean_arm", "sd_arm", "n_arm", "mean_reference", "sd_reference", "n_reference"]
    return [table[name] for name in columns]


def expected_of(r, key):
    y, v = r["escalc"][key]["y"], r["escalc"][key]["v"]
    return [np.array([NAN if x is None else x for x in values], dtype=float) for values in (y, v)]


@pytest.mark.parametrize("vtype", FORMULAS)
def test_hedges_g_equals_escalc(continuous_table, r, vtype):
    # escalc("SMD", vtype = vtype)
    g, v = standardised_difference(*summaries(continuous_table), correction="exact",
                                   variance=FORMULAS[vtype])  # fmt: skip
    close([g, v], expected_of(r, f"SMD/{vtype}"), 1e-12)


def test_approximate_correction_is_close_to_the_exact_one(continuous_table):
    exact, _ = standardised_difference(*summaries(continuous_table), correction="exact")
    rounded, _ = standardised_difference(*summaries(continuous_table))
    np.testing.assert_allclose(rounded, exact, rtol=2e-4)


def test_mean_difference_equals_escalc(continuous_table, r):
    y, of_arm, of_reference = mean_difference(*summaries(continuous_table))
    close([y, of_arm + of_reference], expected_of(r, "MD"), 1e-12)


@pytest.mark.parametrize(("measure", "key"), [("log rr", "RR"), ("log or", "OR")])
def test_ratios_equal_escalc(binary_table, r, measure, key):
    # escalc(key, add = 1/2, to = "only0", drop00 = TRUE)
    found = binary_effects(measure, *(binary_table[c] for c in CELLS))
    close([found.estimate, found.variance], expected_of(r, f"{key}/constant"), 1e-12)
    assert np.flatnonzero(found.corrected).tolist() == [3, 6]
    assert np.flatnonzero(found.uninformative).tolist() == [9, 11]


@pytest.mark.parametrize(("measure", "key"), [("log rr", "RR"), ("log or", "OR")])
def test_without_correction_tables_with_a_zero_cell_are_left_out(binary_table, r, measure, key):
    found = binary_effects(measure, *(binary_table[c] for c in CELLS), zero_cells="none")
    y, v = expected_of(r, f"{key}/none")
    y[[3, 6, 9, 11]] = v[[3, 6, 9, 11]] = NAN
    close([found.estimate, found.variance], [y, v], 1e-12)


def test_risk_difference_equals_escalc_and_is_never_corrected(binary_table, r):
    # escalc("RD", add = 0, to = "none"); the variance is corrected only where it would be 0
    found = binary_effects("rd", *(binary_table[c] for c in CELLS))
    y, v = expected_of(r, "RD/none")
    assert np.flatnonzero(v == 0).tolist() == np.flatnonzero(found.corrected).tolist() == [9, 11]
    v[[9, 11]] = expected_of(r, "RD/constant")[1][[9, 11]]
    v[9] = 2 * 0.5 * 69.5 / 70**3
    v[11] = 67.5 * 0.5 / 68**3 + 50.5 * 0.5 / 51**3
    close([found.estimate, found.variance], [y, v], 1e-12)


def test_g_from_events_equals_escalc_times_the_small_sample_factor(binary_table, r):
    # escalc("OR2DL", add = 1/2, to = "only0", drop00 = TRUE)
    found = g_from_events(*(binary_table[c] for c in CELLS))
    y, v = expected_of(r, "OR2DL")
    J = 1 - 3 / (4 * (binary_table.total_arm + binary_table.total_reference - 2) - 1)
    close([found.estimate, found.variance], [J * y, v], 1e-12)


def test_correction_by_arm_size_adds_one_in_all_and_keeps_equal_risks_equal():
    # Sweeting et al. (2004): with arms of 20 and 60, 0.25 and 0.75 are added.
    found = binary_effects("log or", [0], [20], [3], [60], zero_cells="by arm size")
    assert found.estimate[0] == pytest.approx(np.log(0.25 / 20.25) - np.log(3.75 / 57.75))
