"""A made-up trial for the report."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tables"))

from made_up_fixtures import example, hostile, hostile_rows, rows

from ipt_outcomes.report.pieces import TrialPieces
from ipt_outcomes.study import Study

from .page_reader import Element, read_page
from .rendered import pieces, written

__all__ = ["example", "hostile", "hostile_rows", "rows"]


@pytest.fixture(scope="session")
def example_pieces(
    example: Study, rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> TrialPieces:
    return pieces(example, rows, tmp_path_factory.mktemp("figures"), whole=True)


@pytest.fixture(scope="session")
def html(example: Study, rows: pd.DataFrame, example_pieces: TrialPieces) -> str:
    return written(example, rows, example_pieces)


@pytest.fixture(scope="session")
def page(html: str) -> Element:
    return read_page(html)
