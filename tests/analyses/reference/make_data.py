"""Write the data on which R's results are stored: `python tests/analyses/reference/make_data.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
N = 150


def main() -> None:
    random = np.random.default_rng(20261122)
    arm = random.permutation(np.repeat(["A", "B", "C"], N // 3))
    severity = random.normal(20, 5, N).round(1)
    site = random.choice(["S1", "S2", "S3"], N, p=[0.5, 0.3, 0.2])
    better = pd.Series(arm).map({"A": 0.9, "B": 0.6, "C": 0.0}).to_numpy()
    person = random.normal(0, 1, N)
    logit = -0.3 + better - 0.08 * (severity - 20) + 0.3 * (site == "S2")
    event = (random.random(N) < 1 / (1 + np.exp(-logit))).astype(int)
    rate = np.exp(2.2 - 0.5 * better + 0.03 * (severity - 20))
    episodes = random.negative_binomial(1.5, 1.5 / (1.5 + rate))
    hazard = 0.06 * np.exp(0.5 * better - 0.03 * (severity - 20))
    time = np.ceil(random.exponential(1 / hazard))
    censored = random.uniform(6, 24, N).round()
    people = pd.DataFrame(
        {
            "participant": np.arange(1, N + 1), "arm": arm, "severity": severity, "site": site,
            "event": event, "episodes": episodes, "time": np.minimum(time, censored),
            "status": (time <= censored).astype(int),
        }
    )  # fmt: skip
    rows = []
    for visit in (1, 2, 3):
        eta = -1.2 + 0.5 * visit + 0.4 * visit * better - 0.05 * (severity - 20) + person
        yes = (random.random(N) < 1 / (1 + np.exp(-eta))).astype(int)
        days = random.binomial(28, 1 / (1 + np.exp(eta)))
        seen = random.random(N) > 0.05 + 0.07 * visit
        frame = people[["participant", "arm", "severity"]].assign(visit=visit, yes=yes, days=days)
        rows.append(frame[seen])
    people.to_csv(HERE / "participants.csv", index=False)
    long = pd.concat(rows).sort_values(["participant", "visit"])
    long.to_csv(HERE / "visits.csv", index=False)


if __name__ == "__main__":
    main()
