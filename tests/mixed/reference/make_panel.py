"""Draw the two panels that R's lavaan analyses: run from the root by `python <this file>`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
LAGS = np.array([[0.35, -0.10], [-0.25, 0.30]])  # of (alliance, symptoms) on the occasion before
PSI = np.array([[16.0, -6.0], [-6.0, 25.0]])
INNOVATION = np.array([[12.0, -3.0], [-3.0, 16.0]])


def draw(people: int, occasions: int, random: np.random.Generator) -> pd.DataFrame:
    arm = np.where(np.arange(people) % 3 == 0, "MED", "IPT")
    stable = random.multivariate_normal([0, 0], PSI, people)
    moving = random.multivariate_normal([0, 0], 1.3 * INNOVATION, people)
    parts = []
    for t in range(occasions):
        if t:
            moving = moving @ LAGS.T + random.multivariate_normal([0, 0], INNOVATION, people)
        value = stable + moving + [50 + t, 24 - 2 * t]
        value[arm == "IPT"] += [2, -t]
        parts.append(pd.DataFrame({"participant": np.arange(people) + 1, "arm": arm,
                                   "occasion": t + 1, "alliance": value[:, 0],
                                   "symptoms": value[:, 1]}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def lose(panel: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Lose values at random, and people for good the more, the worse they were (MAR)."""
    panel = panel.sort_values(["participant", "occasion"], kind="stable").reset_index(drop=True)
    before = panel.groupby("participant")["symptoms"].shift()
    leaves = random.random(len(panel)) < 0.12 / (1 + np.exp(-(before.fillna(0) - 22) / 3))
    gone = pd.Series(leaves).groupby(panel["participant"]).cumsum() > 0
    for name in ("alliance", "symptoms"):
        missed = random.random(len(panel)) < 0.08
        panel[name] = panel[name].where(~(gone | missed))
    return panel[panel[["alliance", "symptoms"]].notna().any(axis=1)]


def main() -> None:
    random = np.random.default_rng(20261125)
    panels = {"panel_missing": lose(draw(150, 4, random), random),
              "panel_complete": draw(90, 4, random)}  # fmt: skip
    for name, frame in panels.items():
        frame.round(4).to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
