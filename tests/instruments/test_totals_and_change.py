"""Severity, response, remission, reliable change and deterioration on totals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.instruments import (
    InstrumentError,
    clinical_range,
    clinically_important,
    deterioration,
    instrument,
    load_registry,
    reliable_change,
    remission,
    response,
    severity,
)


@pytest.mark.parametrize(
    ("name", "total", "band"),
    [
        ("HAM-D17", 7, "none"), ("HAM-D17", 8, "mild"), ("HAM-D17", 24, "severe"),
        ("HAM-D17", 7.4, "none"), ("BDI-II", 13, "minimal"), ("BDI-II", 29, "severe"),
        ("BDI-I", 29, "moderate"), ("PHQ-9", 19, "moderately severe"), ("MADRS", 60, "severe"),
        ("QIDS-SR16", 21, "very severe"), ("CORE-10", 0, "low"), ("CORE-OM", 9.9, "low"),
    ],
)  # fmt: skip
def test_severity(name: str, total: float, band: str):
    assert severity(name, pd.Series([total])).tolist() == [band]


def test_severity_is_ordered_and_empty_without_a_total():
    bands = severity("PHQ-9", pd.Series([27, None, 0], index=["a", "b", "c"]))
    assert bands.index.tolist() == ["a", "b", "c"]
    assert bands.isna().tolist() == [False, True, False]
    assert bands.max() == "severe"
    assert severity("HAM-D17", pd.Series([20]), "apa_consensus").tolist() == ["severe"]
    with pytest.raises(InstrumentError, match="there is zimmerman2013, apa_consensus"):
        severity("HAM-D17", pd.Series([20]), "bech")
    with pytest.raises(InstrumentError, match="no severity bands"):
        severity("PCL-5", pd.Series([20]))


def test_totals_that_cannot_be_are_refused():
    with pytest.raises(InstrumentError, match="2 totals lie outside 0 to 52, such as 60, -1"):
        severity("HAM-D17", pd.Series([60, 10, -1]))


@pytest.mark.parametrize(
    ("name", "highest_in", "lowest_out"),
    [("HAM-D17", 7, 8), ("PHQ-9", 4, 5), ("BDI-II", 9, 10), ("MADRS", 10, 11), ("QIDS-SR16", 5, 6),
     ("CES-D", 15, 16), ("GAD-7", 4, 5), ("CAPS-IV", 19, 20), ("CDRS-R", 28, 29), ("CGI-S", 2, 3)],
)  # fmt: skip
def test_remission(name: str, highest_in: float, lowest_out: float):
    totals = pd.Series([highest_in, lowest_out, None])
    assert remission(name, totals).tolist() == [True, False, pd.NA]


def test_remission_by_another_definition():
    assert remission("HAM-D17", pd.Series([6, 7]), "tdcrp").tolist() == [True, False]


def test_response_is_half_of_the_baseline():
    base = pd.Series([20, 20, 0, None, 20])
    later = pd.Series([10, 10.5, 0, 5, None])
    found = response("PHQ-9", base, later)
    assert found.tolist()[:2] == [True, False]
    assert found.isna().tolist() == [False, False, True, True, True]


def test_response_is_counted_from_the_floor():
    # CDRS-R: (61 - 39) / (61 - 17) = 0.5 exactly; 22/61 = 36 % without the floor
    base, later = pd.Series([61, 61]), pd.Series([39, 40])
    assert response("CDRS-R", base, later).tolist() == [True, False]
    assert response("CDRS-R", base, later, "crude").tolist() == [False, False]
    assert response("CDRS-R", pd.Series([17]), pd.Series([17])).isna().all()


def test_response_by_points_and_by_rating():
    assert response("ICG", pd.Series([45, 45]), pd.Series([25, 26])).tolist() == [True, False]
    assert response("CGI-I", None, pd.Series([2, 3])).tolist() == [True, False]
    assert response("CAPS-IV", pd.Series([100, 100]), pd.Series([70, 69])).tolist() == [False, True]
    with pytest.raises(InstrumentError, match="needs the baseline"):
        response("ICG", None, pd.Series([25]))


def test_change_that_matters_to_patients():
    base = pd.Series([40, 40, 20])
    assert clinically_important("BDI-II", base, base - 7).tolist() == [True, True, True]
    assert clinically_important("BDI-II", base, base - 3).tolist() == [False, False, False]
    assert clinically_important("PHQ-9", pd.Series([15, 15]), pd.Series([10, 11])).tolist() == [True, False]  # fmt: skip


def test_totals_of_different_people_are_refused():
    with pytest.raises(InstrumentError, match="same people"):
        response("PHQ-9", pd.Series([10, 9], index=["a", "b"]), pd.Series([5, 5], index=["b", "a"]))


@pytest.mark.parametrize(
    ("name", "reliability", "threshold"),
    # 1.96 x SD x sqrt(2) x sqrt(1 - r), as worked out in the collected facts
    [("HAM-D17", None, 6.42), ("HAM-D17", "raters", 3.51), ("BDI-II", "retest", 6.48),
     ("BDI-II", None, 6.92), ("BDI-I", None, 7.77), ("PHQ-9", "retest", 4.72), ("PHQ-9", None, 3.92),
     ("MADRS", None, 8.25), ("QIDS-SR16", None, 4.70), ("EPDS", None, 3.28)],
)  # fmt: skip
def test_thresholds_of_reliable_change(name: str, reliability: str | None, threshold: float):
    base = pd.Series([10.0])
    found = reliable_change(name, base, base, reliability=reliability)
    assert found.threshold == pytest.approx(threshold, abs=0.005)
    assert f"SD {found.sd:g}" in found.basis
    assert f"reliability {found.reliability:g}" in found.basis
    assert ("CAUTION" in found.basis) == (reliability == "raters")


def test_published_thresholds():
    base = pd.Series([20.0, 20, 20])
    later = pd.Series([14.0, 15, 26])
    found = reliable_change("PHQ-9", base, later, published=True)
    assert found.threshold == 6
    assert found.status.tolist() == ["improved", "no reliable change", "deteriorated"]
    assert found.sd is None
    assert "NHS Talking Therapies" in found.basis
    # nothing can be computed for the PCL-5: the stricter published threshold is taken
    assert reliable_change("PCL-5", base, later).threshold == 18
    assert reliable_change("PCL-5", base, later, published="lenient").threshold == 15


def test_reliable_change_says_what_is_missing():
    base = pd.Series([20.0])
    with pytest.raises(InstrumentError, match="no standard deviation at baseline"):
        reliable_change("BAI", base, base)
    with pytest.raises(InstrumentError, match="no reliability is in the registry"):
        reliable_change("HAM-A", base, base, sd=6)
    with pytest.raises(InstrumentError, match="between 0 and 1"):
        reliable_change("HAM-A", base, base, sd=6, reliability=1.0)
    with pytest.raises(InstrumentError, match="no spread"):
        reliable_change("BAI", base, base, sd="sample")


def test_reliable_change_from_the_data():
    base = pd.Series([10.0, 14, 18, 22, 26])
    found = reliable_change("BAI", base, base - 10, sd="sample", reliability=0.75)
    assert found.threshold == pytest.approx(1.96 * np.sqrt(40) * np.sqrt(2) * 0.5)
    assert found.status.tolist() == ["improved"] * 5
    assert "of these baseline totals, n = 5" in found.basis


def test_deterioration_and_recovery():
    base = pd.Series([20.0, 20, 20, 20, None])
    later = pd.Series([7.0, 12, 27, 19, 5])
    found = reliable_change("HAM-D17", base, later)
    assert found.status.tolist()[:4] == [
        "improved",
        "improved",
        "deteriorated",
        "no reliable change",
    ]
    assert found.recovered.tolist()[:4] == [True, False, False, False]
    assert found.recovered.isna().tolist() == [False, False, False, False, True]
    assert deterioration("HAM-D17", base, later).tolist()[:4] == [False, False, True, False]
    assert found.counts().to_dict() == {
        "deteriorated": 1, "no reliable change": 1, "improved": 2, "not known": 1,
    }  # fmt: skip


def test_higher_can_be_better():
    base, later = pd.Series([40.0, 60.0]), pd.Series([60.0, 40.0])
    found = reliable_change("GAF", base, later, sd=10, reliability=0.8)
    assert found.status.tolist() == ["improved", "deteriorated"]
    assert found.recovered.isna().all()  # no cut-off is known


def test_assumptions_of_the_threshold_are_marked():
    base = pd.Series([20.0])
    assert not reliable_change("HAM-D17", base, base).assumption
    assert reliable_change("MADRS", base, base).assumption


def test_clinical_range():
    assert clinical_range("ICG", pd.Series([25, 26])).tolist() == [False, True]
    assert clinical_range("EPDS", pd.Series([10, 13]), "possible").tolist() == [True, True]


def test_every_criterion_can_be_applied():
    for name, definition in load_registry().items():
        if definition.total is None:
            continue
        low, high = definition.total_range
        ends = pd.Series([low, min(high, 100.0)])
        for criterion in definition.remission:
            assert remission(definition, ends, criterion).iloc[0] is np.True_, name
        for criterion in definition.response:
            response(definition, ends, ends, criterion)
        for scheme in definition.severity:
            assert severity(definition, ends, scheme).notna().all()
        for cutoff in definition.cutoff:
            assert clinical_range(definition, ends, cutoff).tolist() == [False, True], name


def test_an_instrument_can_be_given_itself():
    definition = instrument("PHQ-9")
    assert remission(definition, pd.Series([3])).tolist() == [True]
