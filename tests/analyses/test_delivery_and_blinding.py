"""What was delivered, and whether raters were and stayed masked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import stats

from ipt_outcomes.analyses.blinding import BlindingError, bang_index, blinding
from ipt_outcomes.analyses.delivery import delivery
from ipt_outcomes.analyses.disclosure import SUPPRESSED
from ipt_outcomes.analyses.participant_values import UnknownVariableError
from ipt_outcomes.study.process_analyses import BlindingAnalysis

from .conftest import pick
from .process_rows import with_process

VISITS = ["baseline", "week_4", "week_8", "week_12", "week_16"]


def delivered(data):
    people = data.participants.copy()
    n = len(people)
    treated = (people["arm"] != "MED").to_numpy()
    sessions = np.where(treated, np.arange(n) % 17, 0)
    people["sessions_attended"] = pd.array(np.where(treated, sessions, 0), "Int64")
    people.loc[~treated, "sessions_attended"] = pd.NA
    received = people["arm"].to_numpy(object)
    first = np.flatnonzero(people["arm"] == "IPT")[:2]
    received[first] = "IPT+MED"
    people["received_arm"] = pd.array(received, "str")
    stop = pd.array([pd.NA] * n, "Int64")
    stop[0] = 30
    people["treatment_stop_day"] = stop
    return replace(data, participants=people)


def test_sessions_crossover_and_stopping_by_arm(reference_trial):
    data = with_process(delivered(reference_trial), {"delivery": {}})
    table = delivery(data)
    own = data.participants[data.participants["arm"] == "IPT"]
    sessions = own["sessions_attended"].astype(float)
    mean = pick(table, arm="IPT", contrast="sessions attended", quantity="observed mean")
    assert mean["estimate"].item() == pytest.approx(sessions.mean())
    none = pick(table, arm="IPT", contrast="attended no session", quantity="count")
    assert none["estimate"].item() == (sessions == 0).sum()
    crossed = pick(table, arm="IPT", contrast="received another arm than randomised to")
    assert pick(crossed, quantity="count")["estimate"].item() == 2
    interval = stats.binomtest(2, len(own)).proportion_ci(method="exact")
    share = pick(crossed, quantity="probability")
    assert (share["lower"].item(), share["upper"].item()) == pytest.approx(interval)
    assert share["notes"].str.contains("shown however small").all()
    assert pick(table, arm="MED", contrast="sessions attended").empty
    assert not table["p"].notna().any()


def test_fidelity_and_treatment_outside_the_protocol(reference_trial):
    people = reference_trial.participants
    treated = people.loc[people["arm"] == "IPT", "participant"].to_numpy()
    ratings = pd.DataFrame({"participant": np.repeat(treated, 2), "session": [1, 2] * len(treated),
                            "fidelity": np.arange(2.0 * len(treated))})  # fmt: skip
    pills = pd.DataFrame({"participant": people["participant"], "visit": "week_8",
                          "antidepressant": (np.arange(len(people)) < 3).astype(float)})  # fmt: skip
    plan = {"delivery": {"ratings": ["fidelity"], "outside_protocol": ["antidepressant"]}}
    data = with_process(reference_trial, plan, ratings=ratings, visits=pills)
    table = delivery(data)
    mean = pick(table, arm="IPT", contrast="fidelity, mean of the participant",
                quantity="observed mean")  # fmt: skip
    own = ratings.groupby("participant")["fidelity"].mean()
    interval = stats.t.interval(0.95, len(own) - 1, own.mean(), own.sem())
    assert (mean["lower"].item(), mean["upper"].item()) == pytest.approx(interval)
    outside = table[table["contrast"].str.startswith("antidepressant")]
    small = outside[outside["notes"] == SUPPRESSED]
    assert len(small) == 2
    assert small["estimate"].isna().all()
    plan["delivery"]["ratings"] = ["adherence"]
    with pytest.raises(
        UnknownVariableError, match=r"no number called adherence. Known are .*fidel"
    ):
        delivery(replace(data, study=with_process(data, plan).study))


# --- blinding ------------------------------------------------------------------------------------


def rated(data, drift=0.0, second=0.0):
    """Give every assessment a rater, an order, masking and, at the end, a guess."""
    people = data.participants
    random = np.random.default_rng(4)
    rows = data.scores[["participant", "visit"]].drop_duplicates().reset_index(drop=True)
    arm = rows["participant"].map(people.set_index("participant")["arm"])
    rows["order"] = random.uniform(0, 24, len(rows))
    rows["rater"] = random.choice(["R1", "R2", "R3"], len(rows))
    rows["masked"] = np.where(arm == "MED", 1.0, random.random(len(rows)) < 0.7).astype(float)
    rows["unmasked"] = ((arm == "IPT") & (random.random(len(rows)) < 0.3)).astype(float)
    rows["guess"] = np.where(random.random(len(rows)) < 0.5, arm, "unknown")
    scores = data.scores.merge(rows[["participant", "visit", "order", "rater"]],
                               on=["participant", "visit"])  # fmt: skip
    scores["score"] += drift * scores["order"] + second * (scores["rater"] == "R2")
    return replace(data, scores=scores[list(data.scores.columns)]), rows


def wide_range(content):
    content["outcomes"]["hamd17"]["range"] = [-99, 199]


def test_masking_and_guesses(reference_trial):
    data, rows = rated(reference_trial)
    plan = {"blinding": {"masked": "masked", "unmasked": "unmasked", "guess": "guess"}}
    table = blinding(with_process(data, plan, ratings=rows))
    masked = pick(table, contrast="assessed by a masked rater")
    assert pick(masked, arm="MED")["estimate"].eq(1.0).all()
    assert pick(masked, arm="IPT")["estimate"].between(0.5, 0.9).all()
    ever = pick(table, contrast="rater ever learned the arm")
    assert pick(ever, arm="MED")["estimate"].item() == 0
    own = rows[rows["participant"].map(
        data.participants.set_index("participant")["arm"]) == "IPT"]  # fmt: skip
    expected = own.groupby("participant")["unmasked"].max().mean()
    assert pick(ever, arm="IPT")["estimate"].item() == pytest.approx(expected)
    right = pick(table, contrast="right, of those who guessed")
    assert right["estimate"].tolist() == [1.0, 1.0, 1.0]
    assert "Bang" not in " ".join(table["contrast"].dropna())  # three arms


def test_bangs_index_of_two_arms(reference_trial):
    data, rows = rated(reference_trial)
    keep = data.participants["arm"] != "IPT+MED"
    people = data.participants[keep].reset_index(drop=True)
    data = replace(
        data,
        participants=people,
        scores=data.scores[data.scores["participant"].isin(people["participant"])],
    )
    rows = rows[rows["participant"].isin(people["participant"])]

    def two_arms(content):
        content["trials"]["example"]["codes"]["arm"] = {"1": "IPT", "3": "MED"}
        content["arms"].pop("IPT+MED")
        for section in ("problem_areas", "medication"):
            content["analyses"].pop(section, None)

    table = blinding(with_process(data, {"blinding": {"guess": "guess"}}, two_arms, ratings=rows))
    index = pick(table, quantity="difference")
    last = rows.assign(week=rows["visit"].map(VISITS.index)).sort_values("week")
    last = last.drop_duplicates("participant", keep="last")
    arm = last["participant"].map(people.set_index("participant")["arm"])
    for name in ("IPT", "MED"):
        own = last[arm == name]["guess"]
        assert pick(index, arm=name)["estimate"].item() == pytest.approx((own == name).mean())


def test_bangs_index_by_its_multinomial_variance():
    random = np.random.default_rng(1)
    drawn = random.multinomial(60, [0.5, 0.2, 0.3], 20_000)
    values = (drawn[:, 0] - drawn[:, 1]) / 60
    assert bang_index(30, 12, 60, 0.95)[1] == pytest.approx(values.std(), rel=0.02)
    assert bang_index(10, 10, 20, 0.95)[0] == 0
    assert bang_index(5, 0, 5, 0.95)[:2] == (1.0, 0.0)


def test_drift_and_differences_between_raters_are_found(reference_trial):
    plan = {"blinding": {"rater": "rater", "order": "order", "clinician": "hamd17"}}
    found = {}
    for drift, second in ((0.0, 0.0), (0.3, 6.0)):
        data, rows = rated(reference_trial, drift, second)
        table = blinding(with_process(data, plan, wide_range, ratings=rows))
        found[drift] = table.set_index("contrast")
    slope = "scores per unit of the order, raters and visits held"
    plain, moved = found[0.0].loc[slope], found[0.3].loc[slope]
    assert moved["lower"] < 0.3 < moved["upper"]
    assert plain["lower"] < 0 < plain["upper"]
    assert found[0.3].loc["raters differ", "p"] < 1e-6 < found[0.0].loc["raters differ", "p"]
    assert found[0.3].loc["raters drift differently", "p"] > 0.01


def test_self_report_beside_the_clinician(reference_trial):
    # The self-report is the clinician's score with a smaller effect and its own error.
    scores = reference_trial.scores
    arm = scores["participant"].map(reference_trial.participants.set_index("participant")["arm"])
    random = np.random.default_rng(2)
    own = scores.assign(
        outcome="bdi2", score=1.5 * scores["score"] + random.normal(0, 2, len(scores))
    )
    lifted = scores.assign(score=scores["score"] - 6.0 * ((arm == "IPT") & (scores["week"] == 16)))
    data = replace(reference_trial, scores=pd.concat([lifted, own], ignore_index=True))

    def second(content):
        wide_range(content)
        content["outcomes"]["bdi2"] = {"label": "Beck Depression Inventory", "short_label": "BDI",
                                       "role": "secondary", "range": [-99, 199]}  # fmt: skip
        content["trials"]["example"]["columns"]["outcomes"]["bdi2"] = "bdi2_total"

    plan = {"blinding": {"clinician": "hamd17", "self_report": "bdi2"}}
    table = blinding(with_process(data, plan, second)).set_index("arm")
    spread = 6.0 / table.loc["IPT", "estimate"]
    assert -12 < spread < -5  # 6 points over an SD of 7 to 10
    assert table.loc["IPT", "upper"] < 0
    assert table.loc["IPT+MED", "lower"] < 0 < table.loc["IPT+MED", "upper"]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"order": "order"}, "drift along an order needs rater and clinician"),
        ({"self_report": "bdi2"}, "name that outcome too"),
    ],
)
def test_what_belongs_together(plan, message):
    with pytest.raises(ValidationError, match=message):
        BlindingAnalysis.model_validate(plan)


def test_guesses_that_nobody_recorded(reference_trial):
    data, rows = rated(reference_trial)
    data = with_process(data, {"blinding": {"guess": "guess"}}, ratings=rows)
    none = data.process[data.process["variable"] != "guess"]
    with pytest.raises(BlindingError, match="no guess is recorded under guess"):
        blinding(replace(data, process=none))
