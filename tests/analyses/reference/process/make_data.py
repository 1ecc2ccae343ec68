"""Draw the data that R analyses: run from the root by `python <this file>`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.within_between import lagged_occasions
from ipt_outcomes.simulate.process import (
    DiaryDesign,
    SessionsDesign,
    simulate_diary,
    simulate_sessions,
)

HERE = Path(__file__).parent


def long(frame: pd.DataFrame, name: str, clock: str) -> pd.DataFrame:
    renamed = frame.rename(columns={name: "value", clock: "time"})
    return renamed[["participant", "arm", "time", "value"]]


def main() -> None:
    sessions = simulate_sessions(SessionsDesign(participants=40, sessions=9), seed=7)
    diary = simulate_diary(DiaryDesign(participants=30, days=14), seed=8)
    for frame, x, y, clock, lag, least, name in (
        (sessions, "alliance", "symptoms", "session", 1, 5, "sessions"),
        (diary, "event", "mood", "day", 0, 7, "diary"),
    ):
        rows = lagged_occasions(long(frame, x, clock), long(frame, y, clock), lag, least).rows
        rows.round(10).to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")
    random = np.random.default_rng(9)
    n = 160
    z = np.repeat([1.0, 0.0], n // 2)
    baseline = random.normal(20, 4, n)
    complier = random.random(n) < 0.7
    d = z * complier
    y = 8 + 0.4 * baseline - 3 * complier - 4 * d + random.normal(0, 5, n)
    frame = pd.DataFrame({"z": z, "d": d, "baseline": baseline, "y": y})
    m = 6 - 2 * z + random.normal(0, 2, n)
    frame["m"], frame["y2"] = m, 5 + 0.8 * m - 1.0 * z + 0.2 * baseline + random.normal(0, 3, n)
    frame.round(8).to_csv(HERE / "compliance.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
