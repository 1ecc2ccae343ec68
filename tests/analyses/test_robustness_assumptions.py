"""Assumptions by type of event and with shifts; remission counted; trials that allow little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.robustness import robustness
from ipt_outcomes.analyses.robustness_assumptions import Assumed, assumptions, under
from ipt_outcomes.analyses.robustness_data import RobustnessError, incomplete
from ipt_outcomes.study import ConfigError, load_study

from .conftest import planned

PLAN = {"reference": "MED", "rubin_imputations": 0, "delta": None, "chained_equations": 0,
        "assumptions": ["missing-at-random"]}  # fmt: skip


def with_plan(data, **plan):
    return planned(data, robustness=PLAN | plan)


@pytest.fixture
def two_events(reference_trial):
    """Two completers who stopped, one of whom began a medication before; one who left."""
    seen = reference_trial.scores.dropna(subset="score").groupby("participant").size()
    people = reference_trial.participants.copy()
    treated = people.loc[people["arm"] == "IPT", "participant"]
    one, two = [name for name in treated if seen.get(name, 0) == 5][:2]
    leaver = next(name for name in treated if 1 < seen.get(name, 0) < 4)
    people = people.set_index("participant")
    people["treatment_stop_day"] = people["treatment_stop_day"].astype("Int64")
    people.loc[[one, two], "treatment_stop_day"] = 60
    people.loc[[one, two], "treatment_stop_reason"] = ["Felt no benefit", "Moved away"]
    people.loc[leaver, "study_exit_reason"] = "Lost contact"
    people["event_day_antidepressant"] = pd.array([None] * len(people), "Int64")
    people.loc[one, "event_day_antidepressant"] = 30
    return replace(reference_trial, participants=people.reset_index()), one, two, leaver


def starts(data, assumed):
    plan = data.study.analyses.robustness
    trial, events, _ = incomplete(data, plan, assumed.strategies)
    found = under(assumed, trial, events)
    visits = [*found.visits, None]
    return {name: (visits[start], strategy) for name, start, strategy in zip(
        found.participants, found.starts.start, found.starts.strategy, strict=True)}  # fmt: skip


def test_a_strategy_for_each_type_of_event(two_events):
    data, one, two, leaver = two_events
    data = with_plan(data)
    by_reason = starts(data, Assumed("a", "MAR", {"Felt no benefit": "JR", "Lost contact": "CIR"}))
    assert by_reason[one] == ("week_12", "JR")
    assert by_reason[two][1] == "MAR"
    assert by_reason[leaver][1] == "CIR"
    # A further event counts only where it is named, and the earliest that is not MAR decides.
    earlier = starts(data, Assumed("b", "JR", {"antidepressant": "CIR"}))
    assert earlier[one] == ("week_8", "CIR")
    assert earlier[two] == ("week_12", "JR")
    assert starts(data, Assumed("c", "JR"))[one] == ("week_12", "JR")


def test_further_assumptions_of_the_configuration(two_events):
    data, *_ = two_events
    data = with_plan(
        data,
        further=[
            {"label": "Lost where no benefit was felt",
             "by_event": {"Felt no benefit": "jump-to-reference"}},
            {"label": "Worse by 2", "shift": {"arm": {"IPT": 2, "IPT+MED": 2, "MED": 2}}},
            {"label": "Worse by 3 at the end and 1 a visit", "shift": {
                "visit": {"week_16": 3}, "per_visit_since_event": {"IPT": 1},
                "only_after_event": True}},
        ],
    )  # fmt: skip
    said = [one.words for one in assumptions(data.study.analyses.robustness)]
    assert said[1] == 'jump to reference after "Felt no benefit", otherwise missing at random'
    assert said[3].endswith("unseen scores shifted +3 at week_16, +1 per visit since the event in "
                            "IPT")  # fmt: skip
    table = robustness(data)
    at = table[(table["quantity"] == "mean") & (table["visit"] == "week_16")]
    mean = at.set_index(["analysis", "arm"])["estimate"].xs("IPT", level="arm")
    mar, worse = mean["robustness, missing at random"], mean["robustness, Worse by 2"]
    n = at["n_arm"].iloc[-1]
    unseen = int(at.loc[at["arm"] == "IPT", "notes"].iloc[0].split(" of ")[0])
    # Everybody unseen is 2 worse; the ANCOVA sees only their share, and balance of covariates.
    assert worse - mar == pytest.approx(2 * unseen / n, rel=0.2)
    assert mean["robustness, Worse by 3 at the end and 1 a visit"] > worse
    assert mean["robustness, Lost where no benefit was felt"] != mar
    verdict = table.loc[table["analysis"] == "robustness, verdict", "notes"]
    assert verdict.str.contains("4 assumptions").all()


def test_remission_by_counts_chained_equations_and_shifts(reference_trial):
    data = with_plan(reference_trial, rubin_imputations=10, remission_at_most=12,
                     delta={"largest": 12, "steps": 3}, chained_equations=3)  # fmt: skip
    table = robustness(data)
    remission = table[table["analysis"].str.startswith("robustness, remission")]
    said = remission.set_index(["analysis", "quantity", "arm"])["estimate"]

    def difference(label):
        return said[(f"robustness, remission, {label}", "difference", "IPT")]

    assert difference("worst case") < difference("missing at random") < difference("best case")
    none = difference("missing is not remitted")
    assert difference("worst case") < none < difference("best case")
    assert difference("delta +12 and +0") < difference("delta -12 and +0")
    assert difference("delta +0 and +0") == pytest.approx(difference("missing at random"))
    assert abs(difference("chained equations") - difference("missing at random")) < 0.1
    variance = remission.loc[remission["analysis"].str.endswith("chained equations"),
                             "interval_method"]  # fmt: skip
    assert variance.str.contains("Rubin").all()


def test_no_missing_score(reference_trial):
    scores = reference_trial.scores.assign(score=lambda f: f["score"].fillna(f["score"].mean()))
    data = with_plan(
        replace(reference_trial, scores=scores), rubin_imputations=5, remission_at_most=10,
        assumptions=["missing-at-random", "jump-to-reference"], starts="at-first-missed-visit",
        delta={"largest": 12, "steps": 5},
    )  # fmt: skip
    table = robustness(data)
    ours = table[table["quantity"] == "difference"].set_index(["analysis", "arm", "visit"])
    for column in ("estimate", "se"):
        mar, jump = (ours[column].xs(f"robustness, {label}") for label in
                     ("missing at random", "jump to reference"))  # fmt: skip
        assert mar.to_numpy() == pytest.approx(jump.to_numpy(), rel=1e-9)
    assert not table["analysis"].str.contains("delta|tipping|case").any()
    verdict = table.loc[table["analysis"] == "robustness, verdict", "notes"]
    assert verdict.str.contains("No score of Week 16 is missing").all()


def test_an_arm_that_nobody_saw_at_the_endpoint(reference_trial):
    people = reference_trial.participants
    arm = people.loc[people["arm"] == "IPT", "participant"]
    scores = reference_trial.scores.copy()
    gone = scores["participant"].isin(arm) & (scores["visit"] == "week_16")
    scores.loc[gone, "score"] = np.nan
    data = with_plan(replace(reference_trial, scores=scores),
                     assumptions=["missing-at-random", "jump-to-reference"])  # fmt: skip
    table = robustness(data)
    told = table[table["analysis"] == "robustness, missing at random"]
    assert told["notes"].str.contains("not possible: .*IPT at week_16: nobody was").all()
    # The rows are shared: no participant's name may stand in them.
    names = people["participant"].tolist()
    assert not table["notes"].dropna().str.contains("|".join(names)).any()
    jump = table[table["analysis"] == "robustness, jump to reference"]
    assert jump["estimate"].notna().all()
    verdict = table.loc[table["analysis"] == "robustness, verdict", "notes"]
    assert verdict.str.startswith("Assuming jump to reference").all()
    assert verdict.str.endswith("Not possible with these data: missing at random.").all()


def test_nobody_at_the_endpoint(reference_trial):
    scores = reference_trial.scores.copy()
    scores.loc[scores["visit"] == "week_16", "score"] = np.nan
    with pytest.raises(RobustnessError, match="nobody of example has a score of hamd17 at Week 16"):
        robustness(with_plan(replace(reference_trial, scores=scores)))


def test_one_participant_at_a_site_does_not_stop_the_jackknife(reference_trial):
    people = reference_trial.participants.copy()
    people.loc[people.index[0], "site"] = "lonely"
    data = with_plan(replace(reference_trial, participants=people))
    table = robustness(data)
    assert table["estimate"].notna().all()
    assert table["notes"].str.contains("rare levels of site joined: 2").any()


def test_percentile_intervals(reference_trial):
    data = with_plan(reference_trial, inference="bootstrap", intervals="percentile", resamples=60)
    table = robustness(data)
    shown = table[table["quantity"] == "difference"]
    assert shown["interval_method"].str.startswith("percentile bootstrap").all()
    assert (shown["lower"] < shown["upper"]).all()


def test_mistakes_in_the_section_are_told_with_their_lines(reference_trial, tmp_path):
    from pathlib import Path

    text = (Path(__file__).resolve().parents[2] / "config.yaml").read_text("utf-8")
    begin = text.index("  robustness:\n")
    wrong = """  robustness:
    reference: CBT
    further:
      - {label: A, shift: {arm: {IPT: 1, PILL: 2}, visit: {week_99: 1}}}
      - {label: A, by_event: {Felt no benefit: jump-to-reference}}
      - {label: Missing at random}
"""
    (tmp_path / "config.yaml").write_text(text[:begin] + wrong + text[text.index("  # How long") :])
    with pytest.raises(ConfigError) as told:
        load_study(tmp_path / "config.yaml")
    for expected in ("CBT does not stand under arms", "PILL does not stand under arms",
                     "week_99 does not stand under visits", "two assumptions are called A",
                     "Missing at random is the name of another part"):  # fmt: skip
        assert expected in str(told.value)
    with pytest.raises(ValueError, match="percentile takes the percentiles of resamples"):
        with_plan(reference_trial, intervals="percentile")
