"""The registry: evidence for every fact, no wording, errors that help, the page that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ipt_outcomes.instruments import (
    InstrumentError,
    assumptions,
    define,
    instrument,
    load_registry,
    load_sources,
    version_conflicts,
)
from ipt_outcomes.instruments.evidence import NOT_READ, STUDY
from ipt_outcomes.instruments.facts import fact_lines
from ipt_outcomes.instruments.reference import reference_page

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "src/ipt_outcomes/instruments/registry").glob("*.yaml"))
FACTS = [
    (name, line) for name, definition in load_registry().items() for line in fact_lines(definition)
]
ASKED_FOR = {
    "HAM-D17", "HAM-D24", "BDI-II", "BDI-I", "PHQ-9", "MADRS", "QIDS-SR16", "CES-D", "EPDS", "GAD-7",
    "HAM-A", "BAI", "PCL-5", "CAPS-5", "EDE-Q", "Binge days", "Binge episodes", "SAS-SR", "IIP-32",
    "WSAS", "CORE-OM", "CORE-10", "OQ-45", "WAI-SR", "CGI-S", "CGI-I", "GAF", "CDRS-R", "ICG",
}  # fmt: skip


def test_all_instruments_asked_for_are_there():
    assert set(load_registry()) >= ASKED_FOR


def test_every_fact_cites_known_sources():
    sources = load_sources()
    for name, line in FACTS:
        assert line.fact.sources, (name, line.name)
        assert set(line.fact.sources) <= set(sources), (name, line.name)
        assert STUDY not in line.fact.sources, (name, line.name)


def test_what_was_not_read_in_a_source_is_an_assumption():
    for name, line in FACTS:
        if set(line.fact.sources) <= NOT_READ:
            assert line.fact.assumption, (name, line.name)
            assert str(line) in assumptions(load_registry()[name])
        if "project_default" in line.fact.sources:
            assert line.fact.confidence == "L", (name, line.name)


def test_every_source_is_cited_and_says_what_was_read():
    cited = {key for _, line in FACTS for key in line.fact.sources}
    assert set(load_sources()) == cited
    for key, source in load_sources().items():
        assert (source.read == "not read") == (key in NOT_READ), key


def test_the_page_is_what_the_registry_says():
    # renew it with: python -m ipt_outcomes.instruments.reference
    written = (ROOT / "docs/reference/instruments.md").read_text("utf-8")
    assert written == reference_page()


def test_no_wording_of_items():
    # Wording would be sentences about a person, or long texts. Free text has short limits in the
    # model; none of it addresses a reader or speaks in the first person.
    person = re.compile(r"(?<!-)\b(I|me|my|mine|myself|you|your|yourself|I'm|I've)\b")
    for file in FILES:
        content = yaml.safe_load(file.read_text("utf-8"))
        for text in texts(content):
            assert not person.search(text), (file.name, text)
            assert len(text) <= 300, (file.name, text)
            assert "?" not in text or "doi" in text or "What does the HAMD mean?" in text or (
                "Is exposure necessary?" in text
            ), (file.name, text)  # fmt: skip


def texts(content: object) -> list[str]:
    if isinstance(content, dict):
        return [t for value in content.values() for t in texts(value)]
    if isinstance(content, list):
        return [t for value in content for t in texts(value)]
    return [content] if isinstance(content, str) else []


def test_agreement_between_raters_is_never_the_default():
    for definition in load_registry().values():
        name = definition.change.default_reliability()
        if name is not None:
            assert definition.change.reliability[name].kind != "inter-rater"
    assert load_registry()["HAM-D17"].change.reliability["raters"].kind == "inter-rater"


@pytest.mark.parametrize(
    ("name", "items"),
    [("HAM-D17", (3,)), ("HAM-D24", (3,)), ("BDI-I", (9,)), ("BDI-II", (9,)), ("PHQ-9", (9,)),
     ("EPDS", (10,))],
)  # fmt: skip
def test_safety_items(name: str, items: tuple[int, ...]):
    safety = instrument(name).safety
    assert safety is not None
    assert safety.items == items


def test_scales_of_a_partition_hold_every_item_once():
    for name, subscales in {
        "OQ-45": None, "PCL-5": None, "SAS-SR": None, "HAM-A": None, "RAND-36": None,
        "CORE-OM": ("wellbeing", "problems", "functioning", "risk"),
        "WAI-SR": ("task", "bond", "goal"),
        "IIP-32": "octants", "IIP-64": "octants",
    }.items():  # fmt: skip
        definition = instrument(name)
        chosen = [s for s in definition.subscales if s != "item_mean"]
        if isinstance(subscales, tuple):
            chosen = list(subscales)
        members = [i for s in chosen for i in definition.items_of(definition.subscales[s])]
        assert sorted(members) == list(definition.items.scored), name


def test_names_are_found_whatever_their_punctuation():
    assert instrument("bdi ii").name == "BDI-II"
    assert instrument("HDRS17").name == "HAM-D17"
    assert instrument("qids_sr16").name == "QIDS-SR16"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("BDI", "Did you mean BDI-I or BDI-II?"), ("PHQ-8", "Did you mean PHQ-9?"),
     ("MADSR", "Did you mean MADRS?"), ("xyz", "Known are BAI, BDI-I")],
)  # fmt: skip
def test_an_unknown_name_gets_the_nearest(asked: str, hint: str):
    with pytest.raises(InstrumentError, match=re.escape(hint)):
        instrument(asked)


def test_versions_are_kept_apart():
    assert len(version_conflicts(["HAM-D17", "HAM-D24", "HAM-D21"])) == 3
    assert len(version_conflicts(["BDI-I", "BDI-II"])) == 1
    assert version_conflicts(["BDI-II", "PHQ-9", "HAM-D17"]) == []


OWN = {
    "name": "STS", "title": "Self-transcendence scale", "measures": "self-transcendence",
    "rater": "self", "higher_is": "better",
    "items": {"count": 15, "range": [1, 4]},
    "total": {"label": "Total", "rule": "sum", "missing": {"rule": "complete"}},
}  # fmt: skip


def test_a_study_defines_its_own_instrument():
    definition = define({**OWN, "reverse": {"items": [4]}, "remission": {"high": {"at_least": 50}}})
    assert definition.total_range == (15, 60)
    assert assumptions(definition) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wording": "text"}, "wording: is not a known key here"),
        ({"items": {"count": 15}}, "items.range: is missing"),
        ({"higher_is": "good"}, "higher_is: found 'good'"),
        ({"reverse": {"items": [16]}}, "reverse names items [16], but there are 15"),
        ({"items": {"count": 15, "range": [4, 1]}}, "range of the items is not ascending"),
        ({"total": None}, "neither a total nor a subscale"),
        (
            {"severity": {"a": {"bands": [[0, 30, "low"], [31, 60, "high"]]}}},
            "does not span 15 to 60",
        ),
        ({"severity": {"a": {"bands": [[15, 30, "low"], [40, 60, "high"]]}}}, "leave a gap"),
        ({"remission": {"a": {"at_most": 3, "below": 4}}}, "give exactly one of"),
        ({"total": {**OWN["total"], "range": [0, 45]}}, "the items make it 15 to 60"),
        ({"total": {**OWN["total"], "rule": "domain maxima"}}, "domains belong to the rule"),
        ({"subscales": {"All": OWN["total"]}}, "needs lower-case letters"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said(change: dict, message: str):
    with pytest.raises(InstrumentError, match=re.escape(message)):
        define({**OWN, **change})


def test_all_mistakes_are_said_at_once():
    with pytest.raises(InstrumentError) as caught:
        define(
            {**OWN, "higher_is": "good", "wording": "text", "items": {"count": 0, "range": [1, 4]}}
        )
    for part in ("higher_is", "wording", "items.count"):
        assert part in str(caught.value)


def test_a_registry_instrument_can_be_changed_by_a_study():
    edition = define(
        {
            "based_on": "HAM-D24",
            "name": "HAM-D24 Kiel",
            "items": {"ranges": {20: [0, 4]}},
            "severity": None,
            "total": {"missing": {"allowed": 1}},
        }
    )
    assert edition.total_range == (0, 76)
    assert edition.items.sources == ("study",)
    assert edition.items.ranges[4] == (0, 2)
    assert edition.total is not None
    assert edition.total.missing.allowed == 1
    assert edition.total.missing.sources == ("study",)
    assert edition.total.sources == ("ids_qids",)
    assert instrument("HAM-D24").total_range == (0, 75)


def test_definitions_never_change():
    with pytest.raises(ValueError, match="frozen"):
        instrument("PHQ-9").title = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        load_registry()["new"] = instrument("PHQ-9")  # type: ignore[index]
