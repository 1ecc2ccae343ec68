"""Similar results as R's rbmi: conditional means with jackknife, deltas, approximate Bayes.

R (rbmi 1.6.0.9000): draws(method_condmean(type = "jackknife")), impute(references =
c("IPT" = "MED", "MED" = "MED")), analyse(ancova), pool(); deltas by delta_template() on every
missing IPT value; method_approxbayes(n_samples = 500).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.imputation import analyse, ancova, delta, draws, impute, pool, stream

STRATEGIES = ["MAR", "JR", "CR", "CIR"]


@pytest.fixture(scope="module")
def jackknife(trial):
    return draws(trial, "jackknife")


def arranged(table: pd.DataFrame) -> pd.DataFrame:
    """Give the rows the names that rbmi has."""
    kind = np.where(table["quantity"] == "difference", "trt",
                    np.where(table["arm"] == "MED", "lsm_ref", "lsm_alt"))  # fmt: skip
    return table.set_index(
        pd.Index([f"{k}_{v}" for k, v in zip(kind, table["visit"], strict=True)])
    )


def hold(table: pd.DataFrame, pooled: dict, relative: float = 1e-6) -> None:
    want = pd.DataFrame(pooled).set_index("parameter")
    found = arranged(table).loc[want.index]
    for ours, theirs in (("estimate", "est"), ("se", "se"), ("lower", "lci"), ("upper", "uci"),
                         ("p", "pval")):  # fmt: skip
        scale = want["se"] if ours in ("lower", "upper") else np.abs(want[theirs])
        worst = (np.abs(found[ours] - want[theirs]) / scale).max()
        # A p-value's relative error is the statistic's times the statistic squared (up to 40 here).
        assert worst < (50 if ours == "p" else 1) * relative, f"{ours}: {worst:.2e}"


def test_model_is_rbmis(jackknife, stored):
    assert jackknife.sigma[0, 0] == pytest.approx(np.array(stored["sigma"]["data"]), rel=1e-9)
    assert sorted(jackknife.beta[0]) == pytest.approx(sorted(stored["beta"]), rel=1e-8)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_imputed_values(jackknife, stored, strategy):
    found = impute(jackknife, strategy).first()
    want = stored[strategy]["imputed"]
    assert found["participant"].tolist() == want["participant"]
    assert np.abs(found["value"] / want["value"] - 1).max() < 1e-6


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_jackknife(jackknife, stored, strategy):
    table = pool(analyse(impute(jackknife, strategy), ancova(["baseline"])))
    hold(table, stored[strategy]["pool"])
    assert table["variance"].str.startswith("resampling").all()


@pytest.mark.parametrize("amount", [0, 2, 4, 6, 8])
def test_delta_series(jackknife, stored, trial, amount):
    imputed = impute(jackknife, "MAR")
    shifted = analyse(imputed, ancova(["baseline"]), delta(trial, arm={"IPT": float(amount)}))
    hold(pool(shifted), stored["tipping_MAR"]["by_delta"][str(amount)])


def test_approximate_bayes(trial, stored):
    drawn = draws(trial, "approximate bayes", 500, rng=stream(20261122, "approximate bayes"))
    for strategy in STRATEGIES:
        want = stored["approximate_bayes_M500"][strategy]
        table = arranged(pool(analyse(impute(drawn, strategy), ancova(["baseline"]))))
        found, theirs = table.loc["trt_16"], want["trt_16"]
        room = 4 * np.hypot(found["mcse"], theirs["mcse"])
        assert abs(found["estimate"] - theirs["mean"]) < room
        # Variances have a Monte-Carlo error too: √(2/499) of the one between, each.
        assert found["between"] == pytest.approx(theirs["between"], rel=4 * np.sqrt(4 / 499))
        assert found["within"] == pytest.approx(theirs["within"], rel=0.03)
        se = dict(zip(want["pool"]["parameter"], want["pool"]["se"], strict=True))
        assert table["se"].to_numpy() == pytest.approx([se[k] for k in table.index], rel=0.06)
        assert table["variance"].str.startswith("Rubin").all()
