"""Stopping treatment, leaving the study, missing scores: how many, why, and when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.simulate import TrialDesign, simulate_trial
from ipt_outcomes.simulate.course import NEVER, follow, leave
from ipt_outcomes.simulate.people import STREAMS, streams

ENDPOINT = 4


def test_share_that_stops_is_the_designs(large):
    for a, arm in enumerate(large.design.arms):
        stopped = large.course.stop_day[large.arm == a] < NEVER
        assert stopped.mean() == pytest.approx(arm.stopping, abs=0.015)


def test_fewer_leave_the_study_than_stop_treatment_and_most_of_these_stay(large):
    stopped = large.course.stop_day < NEVER
    left_by_end = large.exit_day <= large.people.day[:, ENDPOINT]
    assert 0.05 < left_by_end.mean() < 0.15
    assert not (left_by_end & ~stopped).any()
    assert 0.5 < (stopped & ~left_by_end).sum() / stopped.sum() < 0.75
    assert (large.exit_day[left_by_end] >= large.course.stop_day[left_by_end]).all()


def test_events_lie_between_the_visits_that_they_separate(large):
    day, k = large.people.day, large.course.stop_interval
    stopped = large.course.stop_day < NEVER
    rows = np.flatnonzero(stopped)
    stop = large.course.stop_day[rows]
    assert (stop >= 1).all()
    assert (stop > day[rows, k[rows] - 1]).all()
    assert (stop < day[rows, k[rows]]).all()
    assert (large.exit_day >= 1).all()


def test_stopping_and_leaving_are_missing_at_random(large):
    """Scores that nobody had observed when somebody stopped or left have no say in it."""
    design, people = large.design, large.people
    none = np.zeros((len(large.arm), len(design.outcomes)))
    before = follow(design, people, large.arm, none)
    left = leave(design, people, large.arm, before)
    visit = np.arange(len(design.visits))

    stopped_by = visit >= before.stop_interval[:, None]
    changed = people.deviation + 9.0 * (stopped_by | people.unobserved[:, :, 0])[:, :, None]
    after = follow(design, replace(people, deviation=changed), large.arm, none)
    assert (after.stop_day == before.stop_day).all()

    gone = people.day > left[:, None]
    changed = people.deviation + 9.0 * (gone | people.unobserved[:, :, 0])[:, :, None]
    other = replace(people, deviation=changed)
    after = follow(design, other, large.arm, none)
    assert (leave(design, other, large.arm, after) == left).all()


def test_observed_scores_do_have_a_say(large):
    at_risk = large.course.stop_interval >= 3
    stops = large.course.stop_interval == 3
    z = large.course.last_z[:, 3]
    assert stops[at_risk & (z > 1)].mean() > 1.5 * stops[at_risk & (z < -1)].mean()


def test_stopping_costs_part_of_the_later_benefit_only(large):
    loss = large.course.policy - large.course.on_treatment
    off = np.arange(loss.shape[1]) >= large.course.stop_interval[:, None]
    assert not loss[~off].any()
    assert (loss[off] >= 0).all()
    early = (large.course.stop_interval == 1) & (large.arm == 0)
    course = large.design.arms[0].courses[0]
    benefit = course[0] - course[ENDPOINT]
    lost = loss[early, ENDPOINT, 0].mean()
    assert 0.3 * benefit < lost < large.design.loss_after_stopping * benefit


def test_scores_are_observed_only_before_leaving_and_where_assessed(large):
    known = ~np.isnan(large.observed)
    assert not (known & (large.people.day >= large.exit_day[:, None])[:, :, None]).any()
    assert not (known & ~large.assessed[:, :, None]).any()
    assert (large.observed[known] == large.course.policy[known]).all()
    assert known[:, 0, 0].all()


def test_missed_visits_have_their_share(large):
    assert large.people.missed[:, 1:].mean() == pytest.approx(large.design.missed_visit, abs=0.003)
    assert not large.people.missed[:, 0].any()


def test_hypothetical_scores_after_stopping_are_set_aside(trial):
    usable, off = trial.usable("hypothetical"), trial.scores()
    known = ~np.isnan(usable)
    assert (usable[known] == trial.complete("hypothetical")[known]).all()
    aside = off["off_treatment"] & off["score"].notna()
    assert aside.sum() == (~np.isnan(trial.observed)).sum() - known.sum() > 0
    with pytest.raises(ValueError, match="unknown estimand 'on'"):
        trial.usable("on")


def test_few_receive_another_arm_and_never_one_with_other_psychotherapy(large):
    crossed = large.course.received != large.arm
    for a, arm in enumerate(large.design.arms):
        assert crossed[large.arm == a].mean() == pytest.approx(arm.crossing, abs=0.006)
    therapy = np.array([arm.psychotherapy for arm in large.design.arms])
    assert (therapy[large.course.received] == therapy[large.arm]).all()


def test_arms_are_balanced_within_sites(trial):
    for site in np.unique(trial.people.site):
        counts = np.bincount(trial.arm[trial.people.site == site])
        assert counts.max() - counts.min() <= trial.design.block_repeats
    assert np.bincount(trial.arm).tolist() == [80, 80, 80]


@pytest.mark.parametrize("participants", [3, 50, 241])
def test_any_number_of_participants_is_randomised(participants):
    trial = simulate_trial(TrialDesign(participants=participants), 4)
    assert len(trial.participants()) == participants


def test_sessions_and_areas_follow_from_treatment(large):
    people = large.participants()
    therapy = people["arm"] != "MED"
    assert (people["sessions_attended"].notna() == therapy).all()
    assert people["sessions_attended"].dropna().between(0, 16).all()
    finished = therapy & people["treatment_stop_day"].isna()
    assert 13 < people.loc[finished, "sessions_attended"].mean() < 15.5
    rated = people["problem_area"].notna()
    assert (rated == (people["sessions_attended"].fillna(0) >= 3)).all()
    assert (people["area_grief"].notna() == rated).all()
    assert (people["treatment_stop_reason"].notna() == people["treatment_stop_day"].notna()).all()
    assert (people["study_exit_reason"].notna() == people["study_exit_day"].notna()).all()


def test_the_same_seed_gives_the_same_trial_and_another_seed_another(design):
    first, second, third = (simulate_trial(design, seed) for seed in (5, 5, 6))
    assert first.scores().equals(second.scores())
    assert first.participants().equals(second.participants())
    assert not first.scores().equals(third.scores())


def test_streams_are_independent_of_each_other():
    drawn = {name: generator.random(20_000) for name, generator in streams(8).items()}
    assert list(drawn) == list(STREAMS)
    correlations = np.corrcoef(list(drawn.values())) - np.eye(len(drawn))
    assert np.abs(correlations).max() < 0.035


@pytest.mark.parametrize(
    "change",
    [
        {"leaving_at_stopping": 0.9, "leaving_before_follow_up": 0.5},
        {"missed_visit": 0.3, "stopping_slope": 0.0},
        {"attendance": 0.5, "women": 0.1, "second_area": 0.9},
        {"visit_jitter_days": (3, 1, 1, 1, 1, 1)},
    ],
)
def test_one_part_of_the_design_leaves_the_draws_of_the_others_alone(design, trial, change):
    other = simulate_trial(replace(design, **change), trial.seed)
    assert (other.arm == trial.arm).all()
    assert (other.therapist == trial.therapist).all()
    assert (other.course.on_treatment == trial.course.on_treatment).all()
    assert (other.people.area == trial.people.area).all()


def test_model_rows_hold_everyone_with_a_baseline_and_a_later_score(trial):
    rows = trial.model_rows("bdi2", "treatment-policy")
    scores = trial.observed[:, :, 1]
    kept = ~np.isnan(scores[:, 0]) & (~np.isnan(scores[:, 1:])).any(axis=1)
    assert rows["participant"].nunique() == kept.sum()
    assert len(rows) == 5 * kept.sum()
    assert rows["score"].notna().sum() == (~np.isnan(scores[kept, 1:])).sum()
    assert rows["visit"].cat.ordered
    assert list(rows["visit"].cat.categories) == list(trial.design.visits[1:])
    first = rows.iloc[:5]
    person = np.flatnonzero(kept)[0]
    assert first["score"].to_numpy() == pytest.approx(scores[person, 1:], nan_ok=True)
    assert (first["baseline"] == scores[person, 0]).all()
