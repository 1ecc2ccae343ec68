"""Write the simulated trials on which clinical_questions.R and the tests compute.

Run from the root of the repository: ``python tests/reference/make_clinical_trials.py``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ipt_outcomes.simulate.design import TrialDesign
from ipt_outcomes.simulate.studies import factorial_design, weekly_design
from ipt_outcomes.simulate.trial import simulate_trial

HERE = Path(__file__).resolve().parent


def observed(design: TrialDesign, seed: int) -> pd.DataFrame:
    """Draw a trial and list its observed scores: participant, arm, week, score."""
    trial = simulate_trial(design, seed)
    arm = trial.participants().set_index("participant")["arm"]
    scores = trial.scores().dropna(subset="score")
    rows = scores.assign(arm=scores["participant"].map(arm))
    rows["participant"] = [f"P{number:04d}" for number in rows["participant"]]
    return rows[["participant", "arm", "week", "score"]].astype({"week": int, "score": int})


if __name__ == "__main__":
    for name, design in (("factorial", factorial_design(80)), ("weekly", weekly_design(36))):
        path = HERE / f"{name}_trial.csv"
        observed(design, 20261125).to_csv(path, index=False, lineterminator="\n")
