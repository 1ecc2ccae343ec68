"""What a finished run left is loaded by name, and its models answer without being fitted again."""

from __future__ import annotations

import pytest

import ipt_outcomes
from ipt_outcomes.analyses.fits import FitError, open_fit
from ipt_outcomes.explore import ResultsNotFoundError


@pytest.fixture(scope="module")
def results(finished):
    return ipt_outcomes.load_results(finished.path)


def test_everything_completes_by_name(results):
    assert {"hamd17", "bdi2"} <= set(dir(results.outcomes))
    assert set(results.outcomes.hamd17["outcome"]) == {"hamd17"}
    assert "<table" in results.tables.baseline._repr_html_()
    assert results.tables.baseline.frame.shape[0] > 5
    figure = results.figures.participant_flow
    assert figure._repr_html_().startswith("<figure><svg")
    assert len(figure.data)
    assert "participants" in repr(results.tables) or "baseline" in repr(results.tables)


def test_kept_models_give_the_numbers_of_the_estimates_table(results, monkeypatch):
    monkeypatch.setattr("ipt_outcomes.mixed.maximum.maximise", None)
    rows = results.estimates.query("quantity == 'difference' and model_id.notna()")
    primary = rows[rows["analysis"] == "primary"]
    compared = 0
    for model_id, own in primary.groupby("model_id"):
        name = "_".join(model_id.split("/")[1:]).replace("-", "_")
        found = results.fits[name].contrasts("arm", by="visit", reference="MED")
        found = found.set_index(["arm", "visit"])
        for row in own.to_dict("records"):
            again = found.loc[(row["arm"], row["visit"])]
            for column in ("estimate", "se", "df", "lower", "upper", "p"):
                assert again[column] == pytest.approx(row[column], rel=1e-9), row["id"]
                compared += 1
    assert compared >= 2 * 2 * 5 * 6


def test_a_name_that_is_not_there_says_which_are(results):
    with pytest.raises(AttributeError, match=r"there are: .*baseline"):
        results.tables.basline  # noqa: B018
    folder = results._restricted / "fits" / "primary_hamd17"
    with pytest.raises(FitError, match="there are: "):
        open_fit(folder, "nothing")


def test_the_nearest_study_is_found_and_trials_are_named(finished, monkeypatch):
    monkeypatch.chdir(finished.path / "data")
    assert ipt_outcomes.load_results().trial == "example"
    with pytest.raises(ResultsNotFoundError, match="there are: example"):
        ipt_outcomes.load_results(finished.path, "other")
