"""A locked plan holds: what is changed afterwards is listed, and no longer confirmatory."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml

from ipt_outcomes.cli import main
from ipt_outcomes.study import load_study
from ipt_outcomes.study.locking import PLAN_FILE, Plan, PlanError, lock_plan, read_plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "data/example").mkdir(parents=True)
    for name in ("redcap_export.csv", "redcap_dictionary.csv"):
        (tmp_path / "data/example" / name).touch()
    path = tmp_path / "config.yaml"
    path.write_text((ROOT / "config.yaml").read_text("utf-8"), "utf-8")
    return path


def plan(config: Path) -> Plan:
    return read_plan(config, load_study(config))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_without_a_lock_nothing_is_confirmatory(config):
    assert not plan(config).is_locked
    assert plan(config).touched("primary", "example") is None


def test_a_lock_is_whole_dated_and_without_deviations(config):
    path = lock_plan(config, today=datetime.date(2026, 11, 25))
    assert path == config.with_name(PLAN_FILE)
    content = yaml.safe_load(path.read_text("utf-8"))
    assert content["plan"]["analyses"]["primary"]["adjust_for"] == ["site"]
    assert content["plan"]["primary_estimand"] == "policy"
    known = plan(config)
    assert known.locked_on == "2026-11-25"
    assert known.deviations == ()
    assert known.touched("primary", "example") == []
    assert str(known).startswith("analysis_plan.lock.yaml of 2026-11-25 (SHA-256 ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: Interpersonal", "title: The interpersonal"),
        ("label: Week 8", "label: Eighth week"),
        ("file: data/example/redcap_export.csv", "file: ./data/example/redcap_export.csv"),
        ("assessed_for_eligibility: 391", "assessed_for_eligibility: 400"),
        ("    level: 0.95\n", ""),  # the default, not stated
        ("reference_arm: MED", "# a remark\nreference_arm: MED"),
    ],
)
def test_what_decides_nothing_is_no_deviation(config, old, new):
    lock_plan(config)
    edit(config, old, new)
    assert plan(config).deviations == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "primary", "response"),
    [
        ("    level: 0.95", "    level: 0.90", "analyses.primary.level", [{}], [{}]),
        ("imputations: 20", "imputations: 50", "analyses.response.imputations", [], [{}]),
        ("    instrument: BDI-II\n", "", "outcomes.bdi2.instrument",
         [{"outcome": "bdi2"}], [{"outcome": "bdi2"}]),
        ("stopping_treatment: hypothetical", "stopping_treatment: treatment-policy",
         "estimands.on_treatment.intercurrent_events.stopping_treatment",
         [{"estimand": "on_treatment"}], [{"estimand": "on_treatment"}]),
        ("hamd17_total: [\"-9\"]", "hamd17_total: [\"-9\", \"99\"]",
         "trials.example.codes.missing.hamd17_total",
         [{"trial": "example"}], [{"trial": "example"}]),
        ("week: 8,", "week: 9,", "visits.week_8.week", [{}], [{}]),
        ("minimum_sessions: 8", "minimum_sessions: 6",
         "analysis_sets.per_protocol.minimum_sessions", [{}], [{}]),
    ],
)  # fmt: skip
def test_a_change_is_listed_and_touches_what_rests_on_it(config, old, new, key, primary, response):
    lock_plan(config)
    edit(config, old, new)
    found = plan(config)
    assert [deviation.key for deviation in found.deviations] == [key]
    assert found.touched("primary", "example") == primary
    assert found.touched("response", "example") == response
    assert found.touched("primary", "another") == [s for s in primary if "trial" not in s]


def test_an_analysis_added_or_left_out_is_a_deviation(config):
    lock_plan(config)
    edit(config, "  medication:\n    status: exploratory\n", "  counts: {outcomes: {hamd17: {}}}\n")
    found = {str(deviation) for deviation in plan(config).deviations}
    assert found == {
        "analyses.medication: {} in the locked plan, now (not stated)",
        'analyses.counts: (not stated) in the locked plan, now {"outcomes": {"hamd17": {}}}',
    }


def test_a_synthesis_is_exploratory_after_a_change_of_it_or_of_its_trials(config):
    one = "label: One, outcome: depression, comparison: a against b, published: {file: a.csv}"
    text = config.read_text("utf-8")
    pooled = f"synthesis:\n  one: {{{one}}}\n  other: {{{one}}}\n"
    config.with_name("a.csv").touch()
    config.write_text(text + pooled, "utf-8")
    assert plan(config).touches_synthesis("one") is None
    lock_plan(config)
    assert plan(config).touches_synthesis("one") == []
    config.write_text(text + pooled.replace("  one: {", "  one: {method: DL, "), "utf-8")
    assert plan(config).touches_synthesis("one") == [{}]
    assert plan(config).touches_synthesis("other") == []
    assert plan(config).touched("primary", "example") == []
    config.write_text(text.replace("week: 40, window", "week: 41, window") + pooled, "utf-8")
    assert plan(config).touches_synthesis("other") == [{}]


def test_another_primary_estimand_by_order_alone_is_a_deviation(config):
    lock_plan(config)
    text = config.read_text("utf-8")
    first, second = text.index("  policy:\n"), text.index("  on_treatment:\n")
    end = text.index("# Change: from your protocol. Everyone as randomised")
    swapped = text[:first] + text[second:end].rstrip() + "\n" + text[first:second] + text[end:]
    config.write_text(swapped, "utf-8")
    assert [deviation.key for deviation in plan(config).deviations] == ["primary_estimand"]


def test_a_plan_is_locked_once(config, capsys):
    folder = str(config.parent)
    assert main(["lock", folder]) == 0
    edit(config, "week: 8,", "week: 9,")
    assert main(["lock", folder]) == 1
    message = capsys.readouterr().err
    assert "was locked on" in message
    assert "visits.week_8.week: 8.0 in the locked plan, now 9.0" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("week: 4.0", "week: 5.0", "was changed after it was locked"),
        ("locked_on: ", "locked_on: 2020-01-01 #", "was changed after it was locked"),
        ("lock_version: 1", "lock_version: 2", "has the layout 2"),
        ("sha256: ", "sha: ", "is not a plan"),
        ("plan:", "plan: [", "cannot be read"),
    ],
)
def test_a_lock_that_was_touched_is_refused(config, old, new, said):
    edit(lock_plan(config), old, new)
    with pytest.raises(PlanError, match=said):
        plan(config)
