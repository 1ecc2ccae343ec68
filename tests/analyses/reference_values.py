"""R's stored results on the two data sets beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "reference.json").read_text("utf-8"))


def participants() -> pd.DataFrame:
    return pd.read_csv(HERE / "participants.csv")


def visits() -> pd.DataFrame:
    return pd.read_csv(HERE / "visits.csv")
