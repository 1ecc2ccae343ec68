"""Chained equations: plausible values, unbiased under MAR, refusals in plain words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.imputation import ImputationError, analyse_tables, chained_equations, stream

HERE = Path(__file__).resolve().parent


def people(n: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n)
    severity = rng.normal(0, 1, n)
    items = np.clip(np.round(2 + severity[:, None] - 0.5 * arm[:, None]
                             + rng.normal(0, 0.7, (n, 3))), 0, 4)  # fmt: skip
    responded = np.where(rng.random(n) < 1 / (1 + np.exp(severity - arm)), "yes", "no")
    return pd.DataFrame(
        {"id": [f"P{i}" for i in range(n)], "arm": np.where(arm == 1, "IPT", "MED"),
         "severity": severity, "i1": items[:, 0], "i2": items[:, 1], "i3": items[:, 2],
         "responded": responded}
    )  # fmt: skip


@pytest.fixture(scope="module")
def gapped():
    frame = people()
    rng = np.random.default_rng(2)
    lost = rng.random(len(frame)) < 1 / (1 + np.exp(1 - frame["severity"]))
    frame.loc[lost, "responded"] = None
    frame.loc[rng.random(len(frame)) < 0.2, "i2"] = np.nan
    return frame


def share(frame):
    p = (frame["responded"] == "yes").mean()
    return {"share": (p, np.sqrt(p * (1 - p) / len(frame)), np.inf)}


def test_values_are_possible_ones(gapped):
    tables = chained_equations(gapped, 3, rng=stream(1, "items"), leave=["id"])
    for table in tables:
        assert table["i2"].isin([0, 1, 2, 3, 4]).all()
        assert table["responded"].isin(["yes", "no"]).all()
        seen = gapped["i2"].notna()
        assert table.loc[seen, "i2"].equals(gapped.loc[seen, "i2"])
    assert not tables[0]["i2"].equals(tables[1]["i2"])


def test_missing_at_random_is_put_right(gapped):
    truth = (people()["responded"] == "yes").mean()
    tables = chained_equations(gapped, 10, rng=stream(1, "share"), leave=["id"])
    pooled = analyse_tables(tables, share).iloc[0]
    naive = (gapped["responded"].dropna() == "yes").mean()
    assert abs(naive - truth) > 0.04
    assert abs(pooled["estimate"] - truth) < 0.03
    assert pooled["missing_information"] > 0.05


def test_same_stream_same_tables(gapped):
    one = chained_equations(gapped, 2, rng=stream(1, "again"), leave=["id"])
    two = chained_equations(gapped, 2, rng=stream(1, "again"), leave=["id"])
    pd.testing.assert_frame_equal(one[1], two[1])


def test_the_chain_is_statsmodels_own():
    from statsmodels.imputation.mice import MICEData

    from ipt_outcomes.imputation.chained import _chain

    frame = people(60)[["severity", "i1", "i2"]]
    frame.loc[::5, "i1"] = np.nan
    frame.loc[::7, "i2"] = np.nan
    ours, theirs = (kind(frame, k_pmm=5, rng=stream(1, "chain")) for kind in (_chain(), MICEData))
    ours.update_all(2)
    theirs.update_all(2)
    pd.testing.assert_frame_equal(ours.data, theirs.data)


def test_nothing_missing():
    frame = people(40)
    for table in chained_equations(frame, 2, rng=stream(1)):
        pd.testing.assert_frame_equal(table, frame)


def test_everything_wrong_is_said_at_once():
    frame = people(30)
    frame["empty"] = np.nan
    frame["area"] = [None, *["grief", "disputes", "deficits"] * 9, "grief", "grief"]
    frame["rare"] = [1.0, 2.0, 4.0] + [np.nan] * 27
    with pytest.raises(ImputationError) as refused:
        chained_equations(frame, 2, rng=stream(1), leave=["id"])
    text = str(refused.value)
    assert "'empty' holds no value" in text
    assert "'area' has 3 categories and gaps" in text
    assert "'rare' has 3 values" in text


def test_similar_results_as_mice(rows):
    """R: mice(method = pmm with 5 donors, logreg), 1,000 imputations; see reference/mice.R."""
    want = json.loads((HERE / "reference" / "mice.json").read_text())
    wide = rows.set_index(["participant", "week"])["change"].unstack()  # noqa: PD010 - one each
    people = rows.drop_duplicates("participant").set_index("participant")
    score = wide[16] + people["baseline"]
    frame = pd.DataFrame(
        {"treated": (people["arm"] == "IPT") * 1.0, "baseline": people["baseline"],
         **{f"w{week}": wide[week] for week in (4, 8, 12)},
         "remitted": pd.Series(np.where(score <= 10, "yes", "no"), wide.index).where(score.notna())}
    ).reset_index(drop=True)  # fmt: skip
    assert frame[["w12", "remitted"]].isna().sum().to_dict() == want["missing"]

    def analysed(table):
        p, n = ((table["remitted"] == "yes").groupby(table["treated"]).agg(["mean", "size"])
                .to_numpy().T)  # fmt: skip
        se = np.sqrt((p * (1 - p) / (n - 1)).sum())
        return {"difference": (p[1] - p[0], se, np.inf),
                "mean_w12": (table["w12"].mean(), table["w12"].sem(), np.inf)}  # fmt: skip

    tables = chained_equations(frame, 30, rng=stream(1, "mice"), between=3)
    found = analyse_tables(tables, analysed).set_index("name")
    for name in ("difference", "mean_w12"):
        ours, theirs = found.loc[name], want[name]
        assert abs(ours["estimate"] - theirs["estimate"]) < 4 * np.hypot(
            ours["mcse"], theirs["mcse"]
        )
        assert ours["within"] == pytest.approx(theirs["within"], rel=0.05)
        # Variances between have a Monte-Carlo error of √(2/29) here.
        assert ours["between"] == pytest.approx(theirs["between"], rel=4 * np.sqrt(2 / 29))
