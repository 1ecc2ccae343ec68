"""Tables of published effects: what is computed, and how everything wrong is said at once."""

from __future__ import annotations

import numpy as np
import pytest

from ipt_outcomes.ingest.findings import DataErrors
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.published import EffectRules, published_effects

HEADER = ("trial,outcome,arm,reference,mean_arm,sd_arm,n_arm,mean_reference,sd_reference,"
          "n_reference,change_mean_arm,change_sd_arm,change_n_arm,change_mean_reference,"
          "change_sd_reference,change_n_reference,events_arm,total_arm,events_reference,"
          "total_reference,g,g_se,control,year")  # fmt: skip
ROWS = {
    "means": "A,HAM-D,IPT,TAU,9.8,7.9,61,13.2,7.8,62,,,,,,,,,,,,,usual care,1989",
    "change": "B,BDI,IPT,WL,,,,,,,-9.1,6.4,38,-11.1,6.4,34,,,,,,,waitlist,2016",
    "events": "C,BDI,IPT,TAU,,,,,,,,,,,,,15,70,2,62,,,usual care,2017",
    "given": "D,QIDS,IPT,TAU,8.3,NA,NA,9.4,,,,,,,,,,,,,0.21,0.148,usual care,2019",
    "zero": "E,BDI,IPT,TAU,,,,,,,,,,,,,4,20,0,22,,,usual care,2001",
    "none": "F,BDI,IPT,TAU,,,,,,,,,,,,,0,20,0,22,,,usual care,2002",
}


@pytest.fixture
def table(tmp_path):
    def write(*rows, header=HEADER, encoding="utf-8"):
        path = tmp_path / "effects.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
        return path

    return write


def errors_of(path, measure="g", **kwargs):
    with pytest.raises(DataErrors) as caught:
        published_effects(path, measure, **kwargs)
    findings = caught.value.findings
    return findings[findings["severity"] == "error"], str(caught.value)


def test_each_source_gives_its_effect(table):
    effects, findings = published_effects(
        table(*ROWS.values()), "g", categories={"control": "control"}, numbers={"year": "year"}
    )
    np.testing.assert_allclose(effects.estimate[:4], [0.4304, -0.3091, 1.1521, 0.21], atol=5e-5)
    assert effects.rows["source"].tolist() == ["means", "change", "events", "given", "events"]
    assert effects.moderators["year"].tolist() == [1989, 2016, 2017, 2019, 2001]
    assert effects.rows["n_arm"].fillna(-1).tolist() == [61, 38, 70, -1, 20]
    assert "1 row of effects.csv left out: no g in them" in effects.notes
    assert "1 row with a zero cell corrected" in effects.notes
    said = findings.groupby("kind")["row"].apply(list).to_dict()
    assert said == {"g from events": [4, 6, 7], "left out": [7], "standardised by change": [3],
                    "zero cell": [6]}  # fmt: skip


def test_direction_can_be_given_by_table_and_row(table):
    rows = [ROWS["means"] + ",better", ROWS["means"].replace("A,", "B,", 1) + ","]
    path = table(*rows, header=HEADER + ",higher_is")
    effects, _ = published_effects(path, "g")
    assert effects.estimate[0] == pytest.approx(-effects.estimate[1])
    effects, _ = published_effects(path, "g", rules=EffectRules(higher_is="better"))
    assert effects.estimate[0] == pytest.approx(effects.estimate[1])


def test_bad_events_turn_the_sign_of_g(table):
    good, _ = published_effects(table(ROWS["events"]), "g")
    bad, _ = published_effects(table(ROWS["events"]), "g", rules=EffectRules(event_is="worse"))
    assert bad.estimate[0] == -good.estimate[0]


def test_sources_may_be_preferred_in_another_order(table):
    row = ROWS["means"].replace(",,,,,,,,,,,,usual", ",,,,,,,,,,0.5,0.2,usual")
    first, _ = published_effects(table(row), "g", rules=EffectRules(sources=("given", "means")))
    assert (first.estimate[0], first.rows["source"][0]) == (0.5, "given")


def test_change_can_be_brought_to_the_scale_of_scores(table):
    effects, findings = published_effects(
        table(ROWS["change"]), "g", rules=EffectRules(change_correlation=0.68)
    )
    plain, _ = published_effects(table(ROWS["change"]), "g")
    assert effects.estimate[0] == pytest.approx(0.8 * plain.estimate[0])
    assert findings.empty


def test_ratios_are_not_turned_and_rows_without_events_are_counted(table):
    effects, findings = published_effects(table(*ROWS.values()), "log or")
    assert effects.trials == ["C", "E"]
    assert effects.estimate[0] == pytest.approx(np.log(15 / 55 / (2 / 60)))
    assert sorted(findings.loc[findings["kind"] == "left out", "row"]) == [2, 3, 5, 7]
    without, _ = published_effects(table(*ROWS.values()), "log or",
                                   rules=EffectRules(zero_cells="none"))  # fmt: skip
    assert without.trials == ["C"]


def test_mean_differences_keep_their_sign(table):
    effects, _ = published_effects(table(ROWS["means"], ROWS["change"]), "md")
    np.testing.assert_allclose(effects.estimate, [-3.4, 2.0])
    assert effects.covariance[0, 0] == pytest.approx(7.9**2 / 61 + 7.8**2 / 62)


def test_decimal_commas_and_old_encodings(table):
    text = "trial;mean_arm;sd_arm;n_arm;mean_reference;sd_reference;n_reference"
    path = table("Müller;9,8;7,9;61;13,2;7,8;62", header=text, encoding="latin-1")
    effects, _ = published_effects(path, "g", delimiter=";", decimal=",", encoding="latin-1")
    assert effects.trials == ["Müller"]
    assert effects.estimate[0] == pytest.approx(0.4304, abs=5e-5)
    found, _ = errors_of(path, delimiter=";", encoding="latin-1")
    assert set(found["kind"]) == {"decimal mark"}
    assert len(found) == 4
    assert 'set decimal: ","' in found["mend"].iloc[0]


def test_everything_wrong_is_said_at_once(table):
    means = ROWS["means"]
    path = table(
        means.replace("7.9", "0", 1),
        means.replace("A,HAM-D", "A,BDI").replace(",61,", ",60.5,"),
        means.replace("A,HAM-D", ",BDI"),
        means.replace("A,HAM-D", "B,BDI").replace("9.8", "9.8x"),
        ROWS["events"].replace("15,70", "75,70"),
        ROWS["given"].replace("0.148", "-0.1"),
        means.replace("A,HAM-D", "G,BDI").replace(",62,", ",,"),
        means.replace("A,HAM-D", "H,BDI"),
        means.replace("A,HAM-D", "H,BDI"),
    )
    found, message = errors_of(path)
    at = dict(zip(found["row"], found["kind"], strict=True))
    assert at == {2: "out of range", 3: "not a whole number", 4: "no trial", 5: "not a number",
                  6: "more events than participants", 7: "out of range", 8: "incomplete",
                  10: "comparison repeated"}  # fmt: skip
    assert "effects.csv, row 8, column n_reference: found an empty cell" in message
    assert "give the whole arm in each" in message
    assert "found the comparison of row 9 again" in message


def test_implausible_numbers_are_warned_of(table):
    error_for_sd = ROWS["means"].replace("7.9", "1.01")
    _, findings = published_effects(table(error_for_sd), "g")
    assert findings["kind"].tolist() == ["standard deviations differ"]
    huge = ROWS["given"].replace("0.21", "3.1")
    _, findings = published_effects(table(huge), "g")
    assert findings["kind"].tolist() == ["large effect"]


def test_a_trial_spelt_in_two_ways_is_warned_of(table):
    second = ROWS["means"].replace("A,HAM-D", "a.,BDI")
    effects, findings = published_effects(table(ROWS["means"], second), "g")
    assert findings["kind"].tolist() == ["trial spelt differently"]
    assert findings["row"].tolist() == [3]
    assert effects.trials == ["A", "a."]


def test_a_shared_arm_must_be_the_same_in_both_rows(table):
    other = ROWS["means"].replace("IPT", "CBT").replace(",62,", ",31,")
    _, findings = published_effects(table(ROWS["means"], other), "g")
    assert findings["kind"].tolist() == ["shared arm differs"]
    assert "Row 2 says 13.2, 7.8, 62" in findings["mend"].iloc[0]


def test_a_missing_moderator_names_the_columns_there_are(table):
    found, _ = errors_of(table(ROWS["means"]), categories={"format": "fromat"})
    assert found["kind"].tolist() == ["missing column"]
    assert "control, year" in found["mend"].iloc[0]


def test_codes_of_a_moderator_may_be_given_labels(table):
    labels = {"control": {"usual care": "care as usual", "waitlist": "waiting list"}}
    effects, _ = published_effects(table(ROWS["means"], ROWS["change"]), "g",
                                   categories={"control": "control"}, labels=labels)  # fmt: skip
    assert effects.moderators["control"].tolist() == ["care as usual", "waiting list"]
    found, _ = errors_of(table(ROWS["means"]), categories={"control": "control"},
                         labels={"control": {"usual caer": "care as usual"}})  # fmt: skip
    assert "nearest" in found["mend"].iloc[0]


def test_a_file_that_is_no_table(tmp_path):
    path = tmp_path / "effects.csv"
    path.write_bytes(b"PK\x03\x04")
    found, _ = errors_of(path)
    assert found["kind"].tolist() == ["not a text file"]


def test_any_damage_to_the_table_is_a_finding_never_another_error(table):
    rng = np.random.default_rng(8)
    junk = ["", "NA", "-1", "0", "1e309", "nan", "inf", "1,5", "1.5.2", "x", "\u2212", "3e-2", "2"]
    outcomes = set()
    for _ in range(30):
        rows = [row.split(",") for row in ROWS.values()]
        for _ in range(rng.integers(1, 6)):
            row = rows[rng.integers(len(rows))]
            row[rng.integers(len(row))] = str(rng.choice(junk))
        path = table(*(",".join(row) for row in rows))
        for measure in ("g", "md", "log rr", "rd"):
            try:
                effects, _ = published_effects(path, measure, categories={"control": "control"})
                assert np.isfinite(effects.estimate).all()
                outcomes.add("read")
            except (DataErrors, SynthesisError):
                outcomes.add("refused")
    assert outcomes == {"read", "refused"}
