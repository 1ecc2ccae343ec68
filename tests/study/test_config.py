"""A configuration is right, or every mistake in it is named with its line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from ipt_outcomes.study import ConfigError, load_study
from ipt_outcomes.study.schema import config_schema

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config.yaml"


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = CONFIG.read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")
    return path


def findings(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_study(path, check_files=False)
    return [str(finding) for finding in caught.value.findings]


def test_the_example_is_complete_and_ordered():
    study = load_study(CONFIG, check_files=False)
    assert study.baseline == "baseline"
    assert study.later_visits == ["week_4", "week_8", "week_12", "week_16", "week_40"]
    assert study.arms_of("example") == ["IPT", "IPT+MED", "MED"]
    assert study.outcomes_of("example") == ["hamd17", "bdi2"]
    assert study.primary_estimand == "policy"


def test_the_schema_file_is_what_the_models_say():
    # renew it with: python -m ipt_outcomes.study.schema
    written = (ROOT / "workflow/schemas/config.schema.json").read_text("utf-8")
    assert written == config_schema()


@pytest.mark.parametrize("config", ["config.yaml", "data/beat_the_blues/config.yaml"])
def test_the_schema_accepts_the_studies_that_ship(config):
    schema = json.loads(config_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(json.dumps(yaml.safe_load((ROOT / config).read_text("utf-8"))))
    jsonschema.validate(content, schema)


def test_every_section_refuses_unknown_keys():
    schema = json.loads(config_schema())
    sections = [schema, *schema["$defs"].values()]
    objects = [s for s in sections if "properties" in s]
    assert len(objects) > 15
    assert all(s["additionalProperties"] is False for s in objects)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("  seed: 20261122", "  sead: 20261122"), "study.sead: is not a known key here. Did you mean seed?"),
        (("reference_arm: MED", "reference: MED"), "reference: is not a known key here. It is called reference_arm here."),
        (("      file: data", "      path: data"), "trials.example.export.path: is not a known key here. It is called file here."),
        (("    psychotherapy: IPT  ", "    therapy: IPT  "), "arms.IPT.therapy: is not a known key here. It is called psychotherapy here."),
        (("format: redcap", "format: redcab"), "expected redcap, long, wide, qualtrics, adam or sdtm. Did you mean redcap?"),
        (("reference_arm: MED", "reference_arm: PLACEBO"), "PLACEBO does not stand under arms. Known are IPT, IPT+MED, MED."),
        (('"3": MED', '"3": MEDS'), "trials.example.codes.arm.3: MEDS does not stand under arms. Did you mean MED?"),
        (("endpoint: week_16", "endpoint: week16"), "estimands.policy.endpoint: week16 does not stand under visits. Did you mean week_16?"),
        (("week: 8,", "week: eight,"), "visits.week_8.week: found 'eight', input should be a valid number"),
        (("window_days: [42, 69]", "window_days: [40, 69]"), "visits.week_8.window_days: starts on day 40, inside the window of week_4 (14 to 41)."),
        (("window_days: [42, 69]", "window_days: [69, 42]"), "visits.week_8: the window ends before it starts"),
        (("    role: secondary", "    role: primary"), "outcomes: exactly one outcome has the role primary, found hamd17, bdi2."),
        (("range: [0, 52]", "range: [52, 0]"), "outcomes.hamd17: the range must be [lowest, highest]."),
        (("adjust_for: [site]", "adjust_for: [sight]"), "sight does not stand under characteristics (or site). Did you mean site?"),
        (("hamd17: hamd17_total", "hamd: hamd17_total"), "hamd does not stand under outcomes. Did you mean hamd17?"),
        (("        focus: problem_focus\n", ""), "needs the column with each participant's primary focus"),
        (("      randomisation_date: randomisation_date\n", ""), "visit_date needs randomisation_date to count days from"),
        (("week_4_arm_1: week_4", "week_4_arm_1: wek_4"), "wek_4 does not stand under visits. Did you mean week_4?"),
        (("treatment-policy}", "last-score}"), "expected treatment-policy, hypothetical, composite or while-on-treatment"),
        (("phase: baseline}", "phase: treatment}"), "exactly one visit has the phase baseline, found none."),
        (("config_version: 1", "config_version: 7"), "config_version: found 7, expected 1."),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path, change, expected):
    path = edited(tmp_path, change)
    found = findings(path)
    assert any(expected in finding for finding in found), found
    wanted = path.read_text("utf-8").splitlines()
    lines = [int(finding.split(":")[0].removeprefix("line ")) for finding in found]
    assert all(1 <= line <= len(wanted) for line in lines)


def test_the_line_is_the_line_of_the_file(tmp_path):
    path = edited(tmp_path, ("  seed: 20261122", "  sead: 20261122"))
    line = path.read_text("utf-8").splitlines().index("  sead: 20261122") + 1
    assert any(finding.startswith(f"line {line}: study.sead") for finding in findings(path))


def test_all_mistakes_come_at_once(tmp_path):
    path = edited(
        tmp_path,
        ("  seed: 20261122", "  sead: 20261122"),
        ("format: redcap", "format: redcab"),
        ("week: 8,", "week: eight,"),
    )
    text = "\n".join(findings(path))
    assert all(word in text for word in ("sead", "redcab", "eight"))


def test_keys_of_an_earlier_layout_are_answered_with_where_they_stand_now(tmp_path):
    older = "  recognisable_by: [site, age]\n  smallest_group: 11\n  withhold: []"
    found = findings(edited(tmp_path, ("  withhold: []", older)))
    assert [finding.partition(": ")[2] for finding in found] == [
        "publication.recognisable_by: stands under privacy.quasi_identifiers now. Delete the line "
        "here and write its value there: privacy.quasi_identifiers: [site, age].",
        "publication.smallest_group: stands under privacy.smallest_group now. Delete the line here "
        "and write its value there: privacy.smallest_group: 11.",
    ]


def test_duplicate_keys_are_refused_with_both_lines(tmp_path):
    path = edited(tmp_path, ("reference_arm: MED", "reference_arm: MED\nreference_arm: IPT"))
    (finding,) = findings(path)
    first = path.read_text("utf-8").splitlines().index("reference_arm: MED") + 1
    assert finding.startswith(
        f"line {first + 1}: reference_arm: stands twice, first on line {first}"
    )


def test_yaml_errors_have_a_line(tmp_path):
    path = edited(tmp_path, ("reference_arm: MED", "reference_arm: [MED"))
    (finding,) = findings(path)
    assert "is not valid YAML here" in finding
    assert finding.startswith("line ")


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"just words\n"])
def test_a_file_without_sections(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    assert "holds no sections" in findings(path)[0]


def test_a_file_in_another_encoding(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes("study:\n  title: Zürich\n".encode("cp1252"))
    assert findings(path) == ["line 2: the file: is not UTF-8 text. Save it as UTF-8."]


def test_missing_exports_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no file data/example/redcap_export\.csv"):
        load_study(edited(tmp_path))


def test_yaml_cannot_run_code(tmp_path):
    path = edited(tmp_path, ("  seed: 20261122", "  seed: !!python/object/apply:os.getpid []"))
    with pytest.raises(ConfigError):
        load_study(path, check_files=False)


def test_no_in_yaml_means_none(tmp_path):
    path = edited(tmp_path, ("medication: none            #", "medication: no  #"))
    assert not load_study(path, check_files=False).arms["IPT"].has_medication


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((("      sessions_attended: sessions_attended\n", ""),),
         "analyses.dose_response: no trial has a column with the number of sessions attended."),
        ((("endpoint: week_16", "endpoint: week_40"), ("endpoint: week_16", "endpoint: week_40")),
         "analyses.time_to_event.relapse.hamd17: no visit comes after the endpoint"),
        ((("    medication: antidepressant\n    format: individual",
           "    medication: lithium\n    format: group"),),
         "IPT+MED: IPT (group) and lithium; MED: antidepressant."),
        ((("  delivery: {}", "  delivery: {}\n  mediation:\n    paths:\n      early: {mediator: bdi2, "
           "mediator_visit: week_40, arm: IPT}"),),
         "mediator_visit: week_40 does not lie after baseline and before the outcome at Week 16"),
    ],
)  # fmt: skip
def test_an_analysis_that_the_configuration_itself_does_not_allow(tmp_path, changes, expected):
    told = findings(edited(tmp_path, *changes))
    assert any(expected in finding for finding in told), told
