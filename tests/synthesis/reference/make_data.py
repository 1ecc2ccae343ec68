"""Made-up trials for the comparison with R: summaries, events and dependent rows.

Run in this folder: python make_data.py; Rscript make_reference.R. No number is of a real trial.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
rng = np.random.default_rng(20240531)

# Fourteen trials with means, standard deviations and sizes, and two moderators.
k = 14
n_arm, n_reference = rng.integers(9, 95, k), rng.integers(9, 95, k)
effect = rng.normal(0.45, 0.35, k)
sd = rng.uniform(6, 10, (2, k)).round(1)
continuous = pd.DataFrame(
    {
        "trial": [f"C{i + 1:02d}" for i in range(k)],
        "mean_arm": (13.5 - 8 * effect + rng.normal(0, 8 / np.sqrt(n_arm))).round(1),
        "sd_arm": sd[0],
        "n_arm": n_arm,
        "mean_reference": (13.5 + rng.normal(0, 8 / np.sqrt(n_reference))).round(1),
        "sd_reference": sd[1],
        "n_reference": n_reference,
        "control": np.resize(["waitlist", "usual care", "usual care", "placebo"], k),
        "weeks": rng.integers(8, 25, k),
    }
)
continuous.to_csv(HERE / "continuous.csv", index=False)

# Thirteen tables of events: with one zero cell, a full cell, and nobody or everybody in both arms.
k = 13
total_arm, total_reference = rng.integers(15, 90, k), rng.integers(15, 90, k)
risk = rng.uniform(0.2, 0.5, k)
binary = pd.DataFrame(
    {
        "trial": [f"B{i + 1:02d}" for i in range(k)],
        "events_arm": rng.binomial(total_arm, np.minimum(0.95, 1.5 * risk)),
        "total_arm": total_arm,
        "events_reference": rng.binomial(total_reference, risk),
        "total_reference": total_reference,
    }
)
binary.loc[3, "events_reference"] = 0
binary.loc[6, "events_arm"] = binary.loc[6, "total_arm"]
binary.loc[9, ["events_arm", "events_reference"]] = 0
binary.loc[11, "events_arm"] = binary.loc[11, "total_arm"]
binary.loc[11, "events_reference"] = binary.loc[11, "total_reference"]
binary.to_csv(HERE / "binary.csv", index=False)

# Eleven trials with one to five rows: a trial effect, a row effect, and a moderator of each kind.
sizes = [1, 3, 2, 5, 1, 2, 4, 2, 1, 3, 2]
trial = np.repeat(np.arange(len(sizes)), sizes)
k = len(trial)
v = rng.uniform(0.02, 0.12, k).round(4)
y = 0.5 + rng.normal(0, 0.3, len(sizes))[trial] + rng.normal(0, 0.35, k) + rng.normal(0, np.sqrt(v))
dependent = pd.DataFrame(
    {
        "trial": [f"D{t + 1:02d}" for t in trial],
        "row": np.arange(1, k + 1),
        "y": y.round(4),
        "v": v,
        "format": np.array(["individual", "group", "telehealth"])[(trial * 5) % 3],
        "rater": np.where(rng.random(k) < 0.5, "clinician", "self"),
        "weeks": rng.integers(8, 25, len(sizes))[trial],
    }
)
dependent.to_csv(HERE / "dependent.csv", index=False)
