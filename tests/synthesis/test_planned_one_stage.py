"""The one-stage model as config.yaml asks for it: the participants of several own trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from ipt_outcomes.analyses.data import TrialData, model_frame
from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.results import estimates
from ipt_outcomes.study import ConfigError, load_study
from ipt_outcomes.synthesis import SynthesisError, one_stage
from ipt_outcomes.synthesis.planned import planned_synthesis

ROOT = Path(__file__).resolve().parents[2]
TRIALS = ("north", "south", "west")


def written(folder: Path, trials: int) -> Path:
    """A study of several trials, as if each site of the example had been one."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    example = config["trials"].pop("example")
    config["trials"] = {name: {**example, "label": name} for name in TRIALS[:trials]}
    config.pop("enrolment")
    config["analyses"] = {"primary": {**config["analyses"]["primary"], "adjust_for": []}}
    own = {"outcome": "hamd17", "estimand": "policy", "compare": ["IPT", "MED"],
           "one_stage": "intercept"}  # fmt: skip
    config["synthesis"] = {
        "ours": {"label": "Ours", "outcome": "depression", "comparison": "IPT against medication",
                 "measure": "md", "own": own}
    }  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """The study, and the frames of its trials."""
    study = load_study(written(tmp_path_factory.mktemp("several"), 3), check_files=False)
    read = ingest_trial(load_study(ROOT / "config.yaml"), "example", str(ROOT))
    frames = {}
    sites = sorted(read.participants["site"].dropna().unique())[: len(TRIALS)]
    for trial, site in zip(TRIALS, sites, strict=True):
        people = read.participants[read.participants["site"] == site].assign(trial=trial)
        scores = read.scores[read.scores["participant"].isin(people["participant"])]
        frames[trial] = TrialData(study, trial, scores.assign(trial=trial), people)
    return study, frames


def differences(study):
    return estimates(
        [
            {
                "trial": trial, "outcome": "hamd17", "analysis": "primary", "arm": "IPT",
                "analysis_set": "as randomised", "estimand": "policy", "quantity": "difference",
                "reference": "MED", "visit": "week_16", "unit": "points", "estimate": estimate,
                "se": 2.5, "n_arm": 14, "n_reference": 15, "method": "MMRM", "converged": True,
                "status": "exploratory", "disclosure": "shared",
            }
            for trial, estimate in zip(study.trials, (-2.5, -4.5, -5.4), strict=True)
        ]
    )  # fmt: skip


def test_rows_are_those_of_the_model_itself(trials):
    study, frames = trials
    rows = planned_synthesis(study, "ours", ROOT, differences(study), frames).rows
    mine = rows[rows["analysis"] == "pooled trials, one-stage"]
    whole = {name: model_frame(data, "hamd17", "policy", "as randomised").rows
             for name, data in frames.items()}  # fmt: skip
    again = one_stage(whole, arm="IPT", reference="MED", effect="intercept")
    by_visit = mine[mine["quantity"] == "difference"].set_index("visit")
    for line in again.differences.to_dict("records"):
        row = by_visit.loc[str(line["visit"])]
        np.testing.assert_allclose(
            row[["estimate", "se", "df"]].astype(float), [line["estimate"], line["se"], line["df"]]
        )
    assert mine[mine["quantity"] == "variance"]["estimate"].iloc[0] == pytest.approx(again.tau2)
    assert set(mine["trial"]) == {"ours"}
    assert set(rows["id"]) > set(mine["id"])  # the two-stage rows stand beside them


def test_a_model_that_cannot_be_fitted_is_told_in_a_row(trials):
    study, frames = trials
    nobody = dict(frames)
    south = frames["south"]
    people = south.participants[south.participants["arm"] != "IPT"]
    nobody["south"] = TrialData(study, "south", south.scores, people)
    rows = planned_synthesis(study, "ours", ROOT, differences(study), nobody).rows
    (row,) = rows[rows["analysis"] == "pooled trials, one-stage"].to_dict("records")
    assert row["method"] == "not done"
    assert "south: nobody in IPT" in row["notes"]
    with pytest.raises(SynthesisError, match="needs the participants' data"):
        planned_synthesis(study, "ours", ROOT, differences(study))


def test_two_trials_are_needed(tmp_path):
    with pytest.raises(ConfigError, match="needs two trials with both arms"):
        load_study(written(tmp_path, 1), check_files=False)
