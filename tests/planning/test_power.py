"""Simulated operating characteristics against theory, the engine, and themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ipt_outcomes.cli import main
from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.mixed.batch_inference import stack_of, unstructured_row
from ipt_outcomes.planning import characteristics_of, find_sample_size, simulate_trials
from ipt_outcomes.planning.closed_form import complete_data_power
from ipt_outcomes.planning.design import EXAMPLE, PlannedTrial
from ipt_outcomes.planning.drawing import draw_trials
from ipt_outcomes.planning.simulation import one_by_one
from ipt_outcomes.study import ConfigError, load_sections

COMPLETE = {
    **EXAMPLE,
    "trials": 4000,
    "visits": {"baseline": 0, "week_8": 8, "week_16": 16},
    "arms": {
        "IPT": {"participants": 34, "means": [20, 13, 10]},
        "MED": {"participants": 22, "means": [20, 15.4, 14]},
    },
}


def design(**changes: object) -> PlannedTrial:
    planned = PlannedTrial.model_validate({**EXAMPLE, **changes})
    assert not list(planned.problems())
    return planned


@pytest.fixture(scope="module")
def complete() -> tuple[PlannedTrial, pd.DataFrame, pd.DataFrame]:
    planned = PlannedTrial.model_validate(COMPLETE)
    return planned, simulate_trials(planned), simulate_trials(planned, "none")


def test_batch_equals_the_model_fitted_one_at_a_time():
    planned = design(dropout_per_sd=0.3, missed_visits=0.05)
    drawn = draw_trials(planned, 3, np.random.default_rng(5))
    n, visits = drawn.later.shape[1:]
    z = np.stack([np.ones_like(drawn.baseline), drawn.baseline - 20,
                  np.broadcast_to(drawn.arm == 0, drawn.baseline.shape).astype(float)], 2)  # fmt: skip
    row = np.zeros(3 * visits)
    row[-1] = 1.0
    found = unstructured_row(stack_of(z, drawn.later), row, planned.residual_covariance)
    assert found.converged.all()
    for r in range(3):
        frame = pd.DataFrame(
            {
                "participant": np.repeat(np.arange(n), visits),
                "visit": np.tile(np.arange(visits), n),
                "arm": np.repeat(np.array(["IPT", "MED"])[drawn.arm], visits),
                "baseline": np.repeat(drawn.baseline[r], visits),
                "score": drawn.later[r].ravel(),
            }
        )
        fit = mixed_model(
            "score ~ baseline*visit + arm*visit", frame, participant="participant",
            visit="visit", reference={"arm": "MED"},
        )  # fmt: skip
        last = fit.contrasts("arm", by="visit").iloc[-1]
        assert found.estimate[r] == pytest.approx(last["estimate"], rel=1e-6)
        assert found.se[r] == pytest.approx(last["se"], rel=1e-6)
        assert found.df[r] == pytest.approx(last["df"], rel=1e-6)


def test_complete_data_is_the_exact_analysis_of_covariance(complete):
    """Without dropout every trial's t test has n - 3 df and equals least squares at the endpoint."""
    planned, results, _ = complete
    np.testing.assert_allclose(results["df"], planned.total - 3, rtol=1e-6)
    # Portions are drawn from streams of their own; the first one again, by least squares.
    key = np.random.SeedSequence(planned.seed, spawn_key=(0, 0, 0))
    drawn = draw_trials(planned, 250, np.random.default_rng(key))
    for r in range(5):
        X = np.column_stack([np.ones(planned.total), drawn.baseline[r], drawn.arm == 0])
        y = drawn.later[r, :, -1]
        beta, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
        variance = rss[0] / (planned.total - 3) * np.linalg.inv(X.T @ X)[2, 2]
        assert results.loc[r, "estimate"] == pytest.approx(beta[2], rel=1e-7)
        assert results.loc[r, "se"] == pytest.approx(variance**0.5, rel=1e-6)


def test_power_error_bias_and_width_agree_with_theory(complete):
    planned, results, null = complete
    found, theory = characteristics_of(planned, results, null), complete_data_power(planned)
    assert theory.exact
    trials = planned.trials
    assert 0.4 < theory.power < 0.9  # where a wrong variance or df would show most
    error = np.sqrt(theory.power * (1 - theory.power) / trials)
    assert found.power.value == pytest.approx(theory.power, abs=3.5 * error)
    assert found.type_one_error is not None
    assert found.type_one_error.value == pytest.approx(
        0.05, abs=3.5 * np.sqrt(0.05 * 0.95 / trials)
    )
    assert found.bias == pytest.approx(0, abs=3.5 * found.bias_error)
    assert found.sd == pytest.approx(theory.se, rel=3.5 / np.sqrt(2 * trials))
    spread = (results["upper"] - results["lower"]).std() / np.sqrt(trials)
    assert found.width == pytest.approx(theory.width, abs=3.5 * spread)


def test_theory_in_the_limit_is_the_normal_formula():
    large = design().with_total(40_000)
    small = large.model_copy(
        update={"arms": {**large.arms, "IPT": large.arms["IPT"].model_copy(
            update={"means": [20, 16, 13, 11, 13.25]})}}
    )  # fmt: skip
    se = np.sqrt(small.residual_covariance[-1, -1] * 2 / 20_000)
    expected = stats.norm.sf(stats.norm.isf(0.025) - 0.25 / se)
    assert complete_data_power(small).power == pytest.approx(expected, abs=1e-3)


def test_dropout_costs_power_and_leaves_the_difference_unbiased():
    planned = design(dropout_per_sd=0.5, missed_visits=0.05, trials=1500)
    found = characteristics_of(planned, simulate_trials(planned))
    assert found.power.value < complete_data_power(planned).power - 0.02
    assert found.bias == pytest.approx(0, abs=3.5 * found.bias_error)
    assert found.seen[0] == pytest.approx(100 * 0.75 * 0.95, abs=2.5)
    assert found.seen[1] == pytest.approx(100 * 0.78 * 0.95, abs=2.5)


def test_clipping_shrinks_the_true_difference_and_the_analysis_finds_it():
    bounded = {"label": "HAM-D17", "range": [0, 52]}
    planned = design(outcome=bounded, trials=1500)
    assert -3.4 < planned.true_difference < -3.0  # IPT's low scores pile up at 0
    found = characteristics_of(planned, simulate_trials(planned))
    assert found.bias == pytest.approx(0, abs=3.5 * found.bias_error)


def test_ignored_therapists_raise_the_type_one_error_and_widen_the_estimates():
    therapists = {"number": 5, "icc": 0.10, "analysis": "ignored"}
    planned = design(therapists=therapists, trials=1500)
    null = simulate_trials(planned, "none")
    found = characteristics_of(planned, simulate_trials(planned), null)
    assert found.type_one_error is not None
    assert found.type_one_error.lower > 0.06
    assert found.sd > 1.1 * found.se


def test_modelled_therapists_have_few_degrees_of_freedom():
    therapists = {"number": 5, "icc": 0.10}
    planned = design(therapists=therapists)
    found = one_by_one(planned, draw_trials(planned, 6, np.random.default_rng(1)))
    assert np.isfinite(found).all()
    assert np.median(found[:, 2]) < 60


def test_areas_move_the_difference_by_their_shares():
    areas = {"grief": {"share": 0.25, "effect": 4.0}, "role_disputes": {"share": 0.75}}
    planned = design(problem_areas=areas, trials=750)
    assert planned.true_difference == pytest.approx(-3.5 + 1.0)
    found = characteristics_of(planned, simulate_trials(planned))
    assert found.bias == pytest.approx(0, abs=3.5 * found.bias_error)


def test_sample_size_is_that_of_theory_when_nobody_leaves():
    planned = PlannedTrial.model_validate({**COMPLETE, "trials": 2000})
    found = find_sample_size(planned, 0.8)
    at = complete_data_power(planned.with_total(found.total)).power
    assert at == pytest.approx(0.8, abs=0.03)
    assert found.per_arm["IPT"] / found.per_arm["MED"] == pytest.approx(34 / 22, rel=0.05)
    assert found.confirmed.lower - 0.02 < 0.8 < found.confirmed.upper + 0.02


def test_portions_make_the_same_trials_whoever_works_them_off():
    planned = design(trials=600)
    whole = simulate_trials(planned)
    parts = [simulate_trials(planned, portions=[p]) for p in (2, 0, 1)]
    again = pd.concat(parts).sort_values("trial", ignore_index=True)
    pd.testing.assert_frame_equal(whole, again)
    fewer = simulate_trials(design(trials=300))
    pd.testing.assert_frame_equal(whole.head(300), fewer)


def test_command_writes_page_figure_and_numbers_and_puts_parts_together(tmp_path, capsys):
    file = tmp_path / "plan.yaml"
    import yaml

    file.write_text(
        yaml.safe_dump({**EXAMPLE, "trials": 500, "title": "<script>x</script>"}, sort_keys=False)
    )
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(["power", str(file), "--out", str(whole), "--processes", "1"]) == 0
    for part in ("1/2", "2/2"):
        main(["power", str(file), "--out", str(parts), "--processes", "1", "--part", part])
    together = ["power", str(file), "--out", str(parts), "--processes", "1", "--from", str(parts)]
    assert main(together) == 0
    for name in ("power.html", "power.json", "trials.csv", "power_by_size.png"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name
    page = (whole / "power.html").read_text("utf-8")
    assert "<script" not in page
    (parts / "part_2_of_2.parquet").unlink()
    capsys.readouterr()
    assert main(together) == 1
    assert "found 250 trials" in capsys.readouterr().err
    assert main(["power", str(file), "--out", str(parts), "--trials", "40"]) == 1
    assert "--trials 40: simulate at least 100" in capsys.readouterr().err


def test_every_mistake_of_a_design_is_named_with_its_line(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(
        "title: t\nseed: 1\noutcome: {label: HAM-D17}\n"
        "visits: {baseline: 0, week_8: 8, week_4: 4}\nendpoint: week_9\n"
        "arms:\n  A: {participants: 50, means: [20, 10]}\n"
        "  B: {participants: 50, means: [21, 15, 12]}\n"
        "compare: [A, C]\nscatter: {sd_at_baseline: 4, sd_at_endpoint: 8, correlation: 0.6}\n"
        "therapists: {number: 5, icc: 0.05}\nproblem_areas: {grief: {share: 0.5}}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError) as raised:
        load_sections(file, PlannedTrial)
    said = str(raised.value)
    for words in ("line 4: visits", "line 5: endpoint", "2 means for 3 visits",
                  "differs at baseline", "C is not an arm", "no arm has psychotherapy",
                  "shares sum to 0.5"):  # fmt: skip
        assert words in said, said
    file.write_text("title: t\nsead: 1\n", "utf-8")
    with pytest.raises(ConfigError, match="Did you mean seed"):
        load_sections(file, PlannedTrial)
