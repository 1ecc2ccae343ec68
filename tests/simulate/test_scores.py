"""Scores: moments near the design, the instrument's range, therapists, problem areas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.simulate import TrialDesign, simulate_trial

BASELINE, ENDPOINT, HAMD, BDI = 0, 4, 0, 1


def moments(trial, arm, visit, outcome, scores="policy"):
    values = getattr(trial.course, scores)[trial.arm == trial.design.arm_index(arm)]
    return values[:, visit, outcome].mean(), values[:, visit, outcome].std()


@pytest.mark.parametrize("arm", ["IPT", "IPT+MED", "MED"])
def test_baseline_is_that_of_published_trials_in_every_arm(large, arm):
    mean, sd = moments(large, arm, BASELINE, HAMD)
    assert mean == pytest.approx(20, abs=0.2)
    assert sd == pytest.approx(4.8, abs=0.15)


@pytest.mark.parametrize(("arm", "mean"), [("IPT", 10.0), ("IPT+MED", 8.8), ("MED", 13.5)])
def test_endpoint_is_that_of_published_trials(large, arm, mean):
    found, sd = moments(large, arm, ENDPOINT, HAMD)
    assert found == pytest.approx(mean, abs=0.25)
    assert sd == pytest.approx(7.85, abs=0.2)


def test_spread_grows_over_the_course(large):
    sds = [moments(large, "MED", k, HAMD)[1] for k in range(5)]
    assert sds == sorted(sds)


def test_second_outcome_correlates_with_the_first(large):
    here = large.arm == 0
    scores = large.course.policy[here, ENDPOINT]
    assert 0.6 < np.corrcoef(scores.T)[0, 1] < 0.8


def test_scores_are_whole_numbers_within_range(large):
    for p, scale in enumerate(large.design.outcomes):
        for scores in (large.course.policy, large.course.on_treatment):
            values = np.unique(scores[:, :, p])
            assert values.min() >= scale.range[0]
            assert values.max() <= scale.range[1]
            assert (values == np.rint(values)).all()


def test_therapists_exist_only_with_psychotherapy_and_in_one_site(large):
    therapy = np.array([arm.psychotherapy for arm in large.design.arms])[large.arm]
    assert ((large.therapist >= 0) == therapy).all()
    sites = {
        t: set(large.people.site[large.therapist == t])
        for t in np.unique(large.therapist)
        if t >= 0
    }
    assert all(len(found) == 1 for found in sites.values())
    assert len(sites) == sum(site.therapists for site in large.design.sites)


def test_therapists_have_balanced_loads_and_both_arms(trial):
    for site, described in enumerate(trial.design.sites):
        here = (trial.people.site == site) & (trial.therapist >= 0)
        _, loads = np.unique(trial.therapist[here], return_counts=True)
        assert len(loads) == described.therapists
        assert loads.max() - loads.min() <= 2


def endpoint_icc(trial):
    """One-way analysis-of-variance estimate among those with a therapist, within arm and site."""
    kept = trial.therapist >= 0
    scores = trial.course.on_treatment[kept, ENDPOINT, HAMD].copy()
    arm, site, therapist = trial.arm[kept], trial.people.site[kept], trial.therapist[kept]
    for a in np.unique(arm):
        for s in np.unique(site):
            cell = (arm == a) & (site == s)
            scores[cell] -= scores[cell].mean()
    groups = [scores[therapist == t] for t in np.unique(therapist)]
    size = len(scores) / len(groups)
    lost = len(np.unique(site))
    between = size * sum(g.mean() ** 2 for g in groups) / (len(groups) - lost)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (len(scores) - len(groups))
    variance = (between - within) / size
    return variance / (variance + within)


def test_therapists_make_the_icc_asked_for():
    sites = tuple(replace(site, therapists=60) for site in TrialDesign().sites)
    design = TrialDesign(participants=12_000, sites=sites, therapist_icc=0.08)
    assert endpoint_icc(simulate_trial(design, 3)) == pytest.approx(0.08, abs=0.025)
    none = replace(design, therapist_icc=0.0)
    assert endpoint_icc(simulate_trial(none, 3)) == pytest.approx(0.0, abs=0.01)


def test_problem_areas_differ_only_when_asked_to(large):
    effects = (replace(large.design.areas[0], effects=(4.0, 0.0)), *large.design.areas[1:])
    asked = simulate_trial(replace(large.design, areas=effects), large.seed)
    for arm, expected in (("IPT", 4.0), ("MED", 0.0)):
        here = (large.arm == large.design.arm_index(arm)) & (large.people.area == 0)
        difference = asked.course.on_treatment[here] - large.course.on_treatment[here]
        assert difference[:, ENDPOINT, HAMD].mean() == pytest.approx(expected, abs=0.5)
        assert not difference[:, BASELINE].any()
        assert not difference[:, :, BDI].any()
    others = large.people.area != 0
    assert (asked.course.on_treatment[others] == large.course.on_treatment[others]).all()


def test_problem_areas_have_their_shares(large):
    shares = [np.mean(large.people.area == j) for j in range(len(large.design.areas))]
    assert shares == pytest.approx([area.share for area in large.design.areas], abs=0.015)
    assert large.people.flags[np.arange(len(large.arm)), large.people.area].all()
