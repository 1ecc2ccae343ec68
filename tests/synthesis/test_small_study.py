"""Tests for small-study effects equal R's, and are refused where they mean nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.synthesis.binary import binary_effects
from ipt_outcomes.synthesis.effects import make_effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.small_study import small_study_test

from .conftest import close

CELLS = ["events_arm", "total_arm", "events_reference", "total_reference"]


@pytest.fixture
def ratios(binary_table):
    found = binary_effects("log rr", *(binary_table[c] for c in CELLS))
    kept = np.isfinite(found.estimate)
    columns = {"trial": binary_table.trial[kept], "estimate": found.estimate[kept],
               "se": np.sqrt(found.variance[kept]),
               **{c: binary_table[c][kept] for c in CELLS}}  # fmt: skip
    return make_effects("log rr", columns)


def test_g_is_regressed_on_sizes_not_on_its_standard_error(continuous, r):
    # rma(yi, vi, mods = ~ sqrt(1/n1 + 1/n2), test = "knha")
    found, expected = small_study_test(continuous), r["egger_sizes"]
    assert found.predictor == "√(1/n1 + 1/n2)"
    close([found.slope.estimate, found.slope.se, found.slope.statistic, found.slope.p],
          [expected[x][1] for x in ("beta", "se", "statistic", "p")])  # fmt: skip


def test_peters_test_equals_weighted_least_squares_of_r(ratios, r):
    # lm(log OR ~ I(1/N), weights = S * (N - S) / N)
    slope, expected = small_study_test(ratios).slope, r["peters"]
    close([slope.estimate, slope.se, slope.statistic, slope.p, slope.df],
          [expected[x] for x in ("slope", "se", "statistic", "p", "df")])  # fmt: skip


def test_harbords_test_equals_least_squares_of_r(ratios, r):
    # lm(I(Z / sqrt(V)) ~ sqrt(V))
    bias, expected = small_study_test(ratios, binary="harbord").slope, r["harbord"]
    close([bias.estimate, bias.se, bias.statistic, bias.p, bias.df],
          [expected[x] for x in ("bias", "se", "statistic", "p", "df")])  # fmt: skip


def test_dependent_rows_get_cluster_robust_errors(dependent):
    sized = make_effects("g", {**{c: dependent.rows[c] for c in ("trial", "outcome", "estimate",
                                                                   "se")},
                               "n_arm": 20 + np.arange(26), "n_reference": [30] * 26})  # fmt: skip
    found = small_study_test(sized)
    assert "CR2" in found.test
    assert (found.trials, found.slope.df < 10) == (11, True)


def test_fewer_than_ten_trials_are_refused(continuous):
    nine = continuous.select(np.arange(14) < 9)
    with pytest.raises(SynthesisError, match="9 trials are too few"):
        small_study_test(nine)


def test_rows_do_not_count_as_trials(dependent):
    few = dependent.select(dependent.trial_codes < 8)
    sized = make_effects("g", {**{c: few.rows[c] for c in ("trial", "outcome", "estimate", "se")},
                               "n_arm": [20] * len(few), "n_reference": [30] * len(few)},
                         )  # fmt: skip
    assert len(sized) > 10
    with pytest.raises(SynthesisError, match="8 trials are too few"):
        small_study_test(sized)


def test_g_without_sizes_is_refused_not_tested_on_its_standard_error(dependent):
    with pytest.raises(SynthesisError, match="0 trials"):
        small_study_test(dependent)


def test_risk_differences_are_refused(ratios):
    columns = {c: ratios.rows[c] for c in ("trial", "estimate", "se")}
    with pytest.raises(SynthesisError, match="risk differences"):
        small_study_test(make_effects("rd", columns))
