"""The drafted analysis plan: every item of the guideline, every setting, every open decision."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipt_outcomes.report.analysis_plan import plan_sections, write_analysis_plan
from ipt_outcomes.report.analysis_plan.document import guideline, plan_blocks
from ipt_outcomes.report.analysis_plan.further import DEFAULT, plain
from ipt_outcomes.report.analysis_plan.parts import TO_DECIDE, Part, is_open
from ipt_outcomes.report.blocks import Heading, NumberedTable, Paragraph
from ipt_outcomes.study import Study, load_study
from ipt_outcomes.study.locking import Plan, lock_plan, read_plan

docx = pytest.importorskip("docx")

ROOT = Path(__file__).resolve().parents[2]
SOFTWARE = {"Python": "3.11.7"}


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(ROOT / "config.yaml")


def changed(study: Study, change: Any) -> Study:
    content = study.model_dump(mode="json", exclude_unset=True)
    change(content)
    return Study.model_validate(content)


def bare(content: dict[str, Any]) -> None:
    """Leave in what a configuration must have."""
    content["analyses"] = {"primary": {}}
    content.pop("analysis_sets")
    content.pop("enrolment")
    for outcome in content["outcomes"].values():
        outcome.pop("instrument")


def parts_of(study: Study, plan: Plan | None = None) -> list[Part]:
    found: list[Part] = []

    def note(part: Part) -> None:
        found.append(part)
        for inner in part.parts:
            note(inner)

    for _, parts in plan_sections(study, plan or Plan(), SOFTWARE):
        for part in parts:
            note(part)
    return found


def text_of(study: Study, plan: Plan | None = None) -> str:
    lines = []
    for block in plan_blocks(study, plan or Plan(), SOFTWARE):
        if isinstance(block, NumberedTable):
            frame = block.table.frame()
            lines += [" | ".join(row) for row in frame.to_numpy().tolist()]
        elif isinstance(block, Paragraph | Heading):
            lines.append(getattr(block, "strong", "") + block.text)
    return "\n".join(lines)


@pytest.mark.parametrize("change", [lambda content: None, bare])
def test_every_item_of_the_guideline_is_answered(study, change):
    answered = {item for part in parts_of(changed(study, change)) for item in part.items}
    wanted = [entry["item"] for entry in guideline()]
    assert len(wanted) == len(set(wanted)) == 55
    assert answered == set(wanted)
    for part in parts_of(changed(study, change)):
        assert part.blocks or part.parts, part.title


def test_every_planned_analysis_is_described_with_its_settings(study):
    parts = {part.title: part for part in parts_of(study)}
    for name, plan in study.analyses:
        if plan is None or name in ("primary", "multiplicity"):
            continue
        title = name[:1].upper() + name[1:].replace("_", " ")
        tables = [b.table for b in parts[title].blocks if isinstance(b, NumberedTable)]
        (table,) = tables if tables else (None,)
        given = [key.replace("_", " ") for key in plan.model_fields_set]
        shown = (
            {} if table is None else {str(line.label): str(line.cells[0]) for line in table.lines}
        )
        assert set(given) <= set(shown), name
        marked = {key for key, value in shown.items() if value.endswith(DEFAULT)}
        assert not marked & set(given)
        assert marked == set(shown) - set(given)
    assert "Baseline" in text_of(study)
    assert "bootstrap | 100 | Number of bootstrap samples" in text_of(study)
    assert f"threshold step | 10{DEFAULT}" in text_of(study)


def test_the_model_is_written_out_as_configured(study):
    text = text_of(study)
    assert "Y_ij = α_j + β_j · baseline_i + δ_g(i),j + γ′x_i + ε_ij" in text
    assert "x_i holding site" in text
    assert "by Kenward and Roger" in text
    assert "main: HAM-D17: IPT and IPT + medication, each against Medication." in text
    without = text_of(changed(study, bare))
    assert "γ′x_i" not in without
    assert "analyses.primary.adjust_for): none is named" in without


def test_scoring_names_its_sources_and_what_nobody_read(study):
    text = text_of(study)
    assert "total: sum of all scored items; 0 to 52. Source (read in a source): CamCOPS" in text
    assert "confirm, as no published source was read: missing items (total)" in text
    assert "own_knowledge" not in text
    assert "leucht2013" not in text


def test_what_the_configuration_leaves_open_is_to_be_decided(study):
    blocks = plan_blocks(study, Plan(), SOFTWARE)
    open_ = sum(map(is_open, blocks))
    assert f"{open_} decisions are open" in text_of(study)
    fewer = plan_blocks(changed(study, bare), Plan(), SOFTWARE)
    said = [b.text for b in fewer if isinstance(b, Paragraph) and b.strong == TO_DECIDE]
    for key in ("analyses.multiplicity", "analyses.robustness", "analyses.moderators",
                "analyses.safety", "analyses.delivery", "analyses.diagnostics",
                "analysis_sets.per_protocol", "section enrolment",
                "outcomes.<name>.instrument"):  # fmt: skip
        assert any(key in text for text in said), key
    assert any("registration number" in text for text in said)
    # What the full configuration decides is not open there.
    full = [b.text for b in blocks if isinstance(b, Paragraph) and b.strong == TO_DECIDE]
    assert not any("analyses.multiplicity" in text for text in full)


def test_an_event_without_strategy_and_death_are_open(study):
    def with_event(content: dict[str, Any]) -> None:
        content["trials"]["example"]["columns"]["events"] = {"admission": {"date": "admitted"}}

    text = text_of(changed(study, with_event))
    assert "the strategy for admission; left out, it is treatment policy" in text
    assert "the strategy for death" in text


def test_groups_and_syntheses_are_not_forgotten(study):
    def asked(content: dict[str, Any]) -> None:
        content["analyses"]["therapists"] = {"cluster": "group", "arms": ["IPT", "MED"]}
        content["synthesis"] = {
            "depression": {
                "label": "IPT for depression", "outcome": "hamd17", "comparison": "IPT, medication",
                "own": {"outcome": "hamd17", "estimand": "policy", "compare": ["IPT", "MED"]},
            }
        }  # fmt: skip

    text = text_of(changed(study, asked))
    assert "Effects of the group are not in this model." in text
    assert "only the model with them counts their number" in text
    assert "Synthesis depression [29]" in text


def test_non_inferiority_states_its_margin_and_why(study):
    def asked(content: dict[str, Any]) -> None:
        content["analyses"]["non_inferiority"] = {
            "arm": "IPT", "comparator": "MED", "margin": 2.5,
            "justification": "Half of what the comparator does against no treatment.",
        }  # fmt: skip

    assert (
        "Non-inferiority of IPT against Medication: margin 2.5 points. Half of what the "
        "comparator does against no treatment." in text_of(changed(study, asked))
    )


def test_the_locked_plan_gives_its_hash_and_every_later_change(tmp_path):
    # There is no export yet: neither the draft nor the lock needs one.
    config = tmp_path / "config.yaml"
    config.write_text((ROOT / "config.yaml").read_text("utf-8"), "utf-8")
    path = lock_plan(config, today=datetime.date(2026, 11, 25))
    digest = yaml.safe_load(path.read_text("utf-8"))["sha256"]
    study = load_study(config, check_files=False)
    text = text_of(study, read_plan(config, study))
    assert f"Locked on 2026-11-25, SHA-256 {digest}." in text
    assert "None: the configuration is that of the locked plan." in text
    later = config.read_text("utf-8").replace("exploratory: [age, recurrent]", "exploratory: [age]")
    config.write_text(later, "utf-8")
    study = load_study(config, check_files=False)
    text = text_of(study, read_plan(config, study))
    assert "analyses.moderators.exploratory: " in text
    assert "why analyses.moderators.exploratory was changed" in text


def test_word_and_page_hold_the_same_words_in_the_same_bytes(study, tmp_path):
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        word, page = folder / "plan.docx", folder / "plan.html"
        write_analysis_plan(study=study, plan=Plan(), software=SOFTWARE, word=word, page=page)
        files.append((word.read_bytes(), page.read_bytes()))
        assert sorted(p.name for p in folder.iterdir()) == ["plan.docx", "plan.html"]
    assert files[0] == files[1]
    document = docx.Document(str(tmp_path / "a/plan.docx"))
    html = files[0][1].decode("utf-8")
    import html as escapes

    shown = escapes.unescape(html)
    for paragraph in document.paragraphs:
        if paragraph.style.name in ("Normal", "List Bullet", "Heading 1", "Heading 2"):
            text = paragraph.text.removeprefix(TO_DECIDE).removeprefix("Open. ").strip()
            assert text in shown.replace("</strong>", ""), text
    bullets = [p for p in document.paragraphs if p.text.startswith(TO_DECIDE)]
    assert bullets
    assert all(p.runs[0].bold for p in bullets)
    assert "http" not in html.replace("http-equiv", "")


def test_markup_of_descriptions_is_taken_out():
    assert plain("see :func:`~a.b.c` (:mod:`d`), ``x``") == "see the module a.b.c, x"
