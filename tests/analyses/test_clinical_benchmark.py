"""The coverage study of response, counts and time to event runs, and its truth is the model's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "clinical.py"


@pytest.fixture(scope="module")
def clinical():
    spec = importlib.util.spec_from_file_location("clinical_study", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_small_study_prints_its_table(clinical, capsys):
    clinical.main(["--trials", "4", "--people", "20000", "--imputations", "2", "--bootstrap", "6"])
    printed = capsys.readouterr().out
    for what in ("imputed", "bootstrap", "GEE", "negative binomial", "Cox", "restricted mean"):
        assert what in printed
    assert "not estimated" not in printed


def test_the_restricted_mean_is_the_models(clinical):
    random = np.random.default_rng(1)
    means = [
        np.minimum(clinical.draw_times(400_000, np.full(400_000, a), random), clinical.UNTIL).mean()
        for a in (1.0, 0.0)
    ]
    truth = clinical.truths(2000, 1)["restricted mean difference"]
    assert means[0] - means[1] == pytest.approx(truth, abs=0.06)


def test_a_wrong_truth_is_seen(clinical):
    rows = pd.DataFrame(
        [("log hazard ratio: Cox", v, 0.1, v - 0.2, v + 0.2) for v in (0.4, 0.5, 0.6, 0.9)],
        columns=["name", "value", "se", "lower", "upper"],
    )
    (row,) = clinical.summarise(rows, {"log hazard ratio": 0.5}).to_dict("records")
    assert row["coverage"] == 75
    assert row["bias"] == pytest.approx(0.1)


def test_the_study_of_the_questions_runs_and_knows_its_truth(capsys):
    script = SCRIPT.with_name("questions.py")
    spec = importlib.util.spec_from_file_location("questions_study", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(["--trials", "2", "--people", "20000", "--bootstrap", "20"])
    printed = capsys.readouterr().out
    for what in ("2 × 2", "durability", "six contrasts", "imputed under the null", "bootstrap"):
        assert what in printed
    assert "not estimated" not in printed
    truth = module.truths(20_000)
    # Effects of the components on the latent scale, and grief in 16 % of those with therapy
    expected = -4.0 + module.GRIEF * 0.16
    margin = "psychotherapy, over both levels of medication"
    assert truth[margin] == pytest.approx(expected, abs=0.4)
    assert truth["slope, middle"] == pytest.approx(-0.4, abs=0.05)
    assert truth["difference of slopes, middle"] == pytest.approx(-0.5, abs=0.05)


def test_the_study_of_what_lasts_runs_and_knows_its_truth(capsys):
    script = SCRIPT.with_name("lasting.py")
    spec = importlib.util.spec_from_file_location("lasting_study", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(["--trials", "2", "--people", "20000"])
    printed = capsys.readouterr().out
    for what in ("week_28: durability", "week_40: durability", "sustained response", "blinding"):
        assert what in printed
    assert printed.count("timing") == 6
    assert "not estimated" not in printed
    truth = module.truths(20_000)
    # What the courses of the design say, on the latent scale
    assert truth["IPT minus neither, change until week_40"] == pytest.approx(-1.0, abs=0.3)
    assert truth["medication, early"] == pytest.approx(-2.5, abs=0.3)
    assert truth["psychotherapy"] == pytest.approx(-3.5, abs=0.6)
