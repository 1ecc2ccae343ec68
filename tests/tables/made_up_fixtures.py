"""The made-up trial as fixtures, for the tests of tables, figures and the report."""

from __future__ import annotations

import pandas as pd
import pytest
from made_up import example_study, hostile_study, made_up, whole_config

from ipt_outcomes.study import Study


@pytest.fixture(scope="session")
def example() -> Study:
    return example_study()


@pytest.fixture(scope="session")
def rows(example: Study) -> pd.DataFrame:
    return made_up(example)


@pytest.fixture(scope="session")
def whole() -> Study:
    """The example with every analysis on."""
    return example_study(whole_config())


@pytest.fixture(scope="session")
def whole_rows(whole: Study) -> pd.DataFrame:
    return made_up(whole)


@pytest.fixture(scope="session")
def hostile() -> Study:
    return hostile_study()


@pytest.fixture(scope="session")
def hostile_rows(hostile: Study) -> pd.DataFrame:
    return made_up(hostile)
