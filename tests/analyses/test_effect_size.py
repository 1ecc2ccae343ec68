"""Published effect sizes are reproduced from their summary data."""

from __future__ import annotations

import pingouin
import pytest

from ipt_outcomes.analyses.effect_size import hedges_g, pooled_sd


@pytest.mark.parametrize(
    ("means", "sds", "published"),
    [
        # National Institute of Mental Health trial (Elkin et al., 1989), IPT against placebo
        ((9.8, 13.2), (7.9, 7.8), 0.4304),  # HRSD, endpoint SD
        ((9.8, 13.2), (4.6, 4.6), 0.7345),  # HRSD, baseline SD
        ((12.0, 15.0), (10.6, 10.5), 0.2826),  # BDI, endpoint SD
        ((12.0, 15.0), (7.8, 6.9), 0.4051),  # BDI, baseline SD
    ],
)
def test_published_effect_sizes(means, sds, published):
    g = hedges_g(means[0] - means[1], pooled_sd(sds[0], 61, sds[1], 62), 61, 62).g
    assert round(g, 4) == published


def test_it_equals_pingouin_on_raw_scores():
    x, y = [8, 12, 5, 9, 14, 7, 6.5], [13, 11, 17, 9, 15, 12]
    import numpy as np

    sd = pooled_sd(np.std(x, ddof=1), len(x), np.std(y, ddof=1), len(y))
    g = hedges_g(np.mean(x) - np.mean(y), sd, len(x), len(y), higher_is_worse=False).g
    assert g == pytest.approx(pingouin.compute_effsize(x, y, eftype="hedges"), rel=1e-12)


def test_the_sign_favours_the_arm():
    assert hedges_g(-3, 8, 50, 50).g > 0
    assert hedges_g(-3, 8, 50, 50, higher_is_worse=False).g < 0


def test_the_interval_covers_in_repeated_trials():
    import numpy as np

    random = np.random.default_rng(1)
    n, truth, repeats = 40, 0.5, 4000
    arm = random.normal(0, 1, (repeats, n))
    reference = random.normal(truth, 1, (repeats, n))
    covered = 0
    for a, b in zip(arm, reference, strict=True):
        sd = pooled_sd(a.std(ddof=1), n, b.std(ddof=1), n)
        effect = hedges_g(a.mean() - b.mean(), sd, n, n)
        covered += effect.lower <= truth <= effect.upper
    assert 0.94 <= covered / repeats <= 0.96


@pytest.mark.parametrize(("sd", "n"), [(0.0, 10), (float("nan"), 10), (1.0, 1)])
def test_what_cannot_be_standardised_is_refused(sd, n):
    with pytest.raises(ValueError, match="effect size needs"):
        hedges_g(1, sd, n, n)
