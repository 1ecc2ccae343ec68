"""The example trial goes from its export to the report, and only what changed is made again."""

from __future__ import annotations

import html.parser
import json
import shutil

import pandas as pd
import pytest

from ipt_outcomes.results import read
from ipt_outcomes.study import load_study

from .conftest import ROOT

REPORT = "shared/report.html"


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name in after if after[name] != before.get(name)}


def test_a_fresh_run_ends_with_the_report(finished):
    results = finished.path / "results"
    table = read(results / "shared" / "estimates.parquet")
    assert {"flow", "baseline", "observed", "primary", "problem areas", "medication"} <= set(
        table["analysis"]
    )
    assert (results / REPORT).stat().st_size > 50_000
    primary = table[table["status"] == "confirmatory"]
    assert set(primary["arm"]) == {"IPT", "IPT+MED"}
    assert primary["converged"].all()
    csv = pd.read_csv(results / "shared" / "estimates.csv")
    assert csv["id"].tolist() == table["id"].tolist()


def test_the_estimates_lie_near_the_truth_of_the_simulation(finished):
    study = load_study(finished.path / "config.yaml")
    truth = json.loads((finished.path / "data/example/truth.json").read_text("utf-8"))
    table = read(finished.path / "results" / "shared" / "estimates.parquet")
    table = table[(table["analysis"] == "primary") & (table["quantity"] == "difference")]
    table = table[table["analysis_set"] == "as randomised"]
    found = {
        (r["estimand"], r["outcome"], r["arm"], r["visit"]): r for r in table.to_dict("records")
    }
    compared = 0
    for name, estimand in study.estimands.items():
        strategy = estimand.intercurrent_events.stopping_treatment
        for true in truth["differences"]:
            row = found.get((name, true["outcome"], true["arm"], true["visit"]))
            if true["estimand"] == strategy and row is not None:
                assert abs(row["estimate"] - true["estimate"]) <= 4 * row["se"], row["id"]
                compared += 1
    assert compared == 2 * 2 * 2 * 5  # estimands, outcomes, arms, visits


def test_every_log_has_content(finished):
    logs = list((finished.path / "results" / "restricted" / "logs").glob("*.log"))
    assert len(logs) >= 8
    assert all(log.read_text("utf-8").strip() for log in logs)


def test_nothing_about_single_participants_is_shared(finished):
    ids = set(
        pd.read_parquet(finished.path / "results/restricted/example/participants.parquet")[
            "participant"
        ]
    )
    assert len(ids) == 240
    assert all(one.startswith("P") for one in ids)
    export = pd.read_csv(finished.path / "data/example/redcap_export.csv", dtype=str)
    numbers = set(export["record_id"])
    for path in (finished.path / "results").rglob("*"):
        if path.is_file():
            assert not any(number.encode() in path.read_bytes() for number in numbers), path
    for path in (finished.path / "results" / "shared").rglob("*"):
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            assert not any(frame[name].isin(ids).any() for name in frame.columns)
        elif path.suffix in {".csv", ".html", ".json", ".svg", ".rst"}:
            text = path.read_text("utf-8")
            assert not any(one in text for one in ids), path


def test_a_second_run_has_nothing_to_do(finished_copy):
    before = finished_copy.times()
    run = finished_copy.snakemake()
    assert run.code == 0, run.text
    assert "Nothing to do" in run.text
    assert changed(before, finished_copy.times()) == set()


def test_every_number_is_the_same_on_one_core(finished, whole_study):
    # Figures and documents are made of these numbers alone; their bytes have tests of their own.
    run = whole_study.snakemake("--cores", "1", "results/shared/estimates.csv")
    assert run.code == 0, run.text
    first, second = finished.contents(), whole_study.contents()
    assert {"shared/estimates.csv", "restricted/example/scores.parquet"} <= second.keys()
    assert len(second) > 40
    assert [name for name in second if first[name] != second[name]] == []


@pytest.mark.parametrize(
    ("old", "new", "made", "untouched"),
    [
        (
            "  title: Interpersonal",
            "  title: The interpersonal",
            {REPORT},
            {
                "restricted/example/scores.parquet",
                "shared/example/estimates/primary_hamd17.parquet",
            },
        ),
        (
            "    level: 0.95",
            "    level: 0.90",
            {"shared/example/estimates/primary_hamd17.parquet", REPORT},
            {"restricted/example/scores.parquet"},
        ),
        (
            "    assessed_for_eligibility: 391",
            "    assessed_for_eligibility: 400",
            {"shared/example/estimates/describe.parquet"},
            {
                "restricted/example/scores.parquet",
                "shared/example/estimates/primary_hamd17.parquet",
            },
        ),
    ],
)
def test_an_edit_of_the_configuration_remakes_what_depends_on_it(
    finished_copy, old, new, made, untouched
):
    before = finished_copy.times()
    finished_copy.edit("config.yaml", old, new)
    run = finished_copy.snakemake()
    assert run.code == 0, run.text
    found = changed(before, finished_copy.times())
    assert made <= found
    assert not untouched & found


@pytest.mark.parametrize(
    ("module", "again", "not_again"),
    [
        (
            "ingest/values.py",
            {"export read", "hamd17 modelled", "tables set", "report written"},
            set(),
        ),
        (
            "analyses/problem_areas.py",
            {"problem areas analysed", "tables set", "report written"},
            {"export read", "hamd17 modelled", "medication analysed"},
        ),
        (
            "mixed/optimise.py",
            {"hamd17 modelled", "problem areas analysed", "report written"},
            {"export read", "participants described"},
        ),
        (
            "report/sentences.py",
            {"report written"},
            {"export read", "hamd17 modelled", "tables set", "figure participant flow drawn"},
        ),
        (  # also what comes after the page about the data
            "report/templates/style.css",
            {"page about the data written", "report written"},
            {"data checked", "hamd17 modelled", "tables set"},
        ),
        (
            "figures/baseline_distributions.py",
            {"figure baseline distributions drawn", "report written"},
            {"hamd17 modelled", "tables set", "figure participant flow drawn"},
        ),
    ],
)
def test_an_edit_of_the_package_remakes_exactly_what_uses_it(
    finished_lean, tmp_path, module, again, not_again
):
    package = tmp_path / "src"
    shutil.copytree(ROOT / "src", package, ignore=shutil.ignore_patterns("__pycache__"))
    with open(package / "ipt_outcomes" / module, "a", encoding="utf-8") as stream:
        stream.write("# a comment, at the end\n")
    plan = finished_lean.snakemake("--dry-run", package=package)
    assert plan.code == 0, plan.text
    assert {step for step in again if step not in plan.text} == set(), plan.text
    assert {step for step in not_again if step in plan.text} == set(), plan.text


def test_an_edited_score_changes_its_results(finished_copy):
    before = finished_copy.contents()
    path = finished_copy.path / "data/example/redcap_export.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    at = table.index[(table["redcap_event_name"] == "week_16_arm_1") & (table["bdi2_total"] != "")][
        0
    ]
    table.loc[at, "bdi2_total"] = str((int(table.loc[at, "bdi2_total"]) + 7) % 60)
    table.to_csv(path, index=False)
    run = finished_copy.snakemake()
    assert run.code == 0, run.text
    after = finished_copy.contents()
    different = {name for name in after if after[name] != before.get(name)}
    assert "shared/example/estimates/primary_bdi2.parquet" in different
    assert "shared/example/estimates/primary_hamd17.parquet" not in different


def test_braces_in_the_configuration_are_no_wildcards(study):
    # As in the short form of the columns of single items.
    study.edit("config.yaml", "  title: Interpersonal", "  title: The {trial} of interpersonal")
    items = 'hamd17_total: ["-9"]\n        hamd_{1..17}: ["-8"]'
    study.edit("config.yaml", 'hamd17_total: ["-9"]', items)
    run = study.snakemake("--dry-run", "all", "publish", "plan")
    assert run.code == 0, run.text
    assert "report written" in run.text


def test_the_report_needs_no_network(finished):
    class Links(html.parser.HTMLParser):
        found: list[str]

        def handle_starttag(self, tag, attributes):
            for name, value in attributes:
                if name in {"src", "srcset"} or (name == "href" and tag == "link"):
                    self.found.append(str(value))

    links = Links()
    links.found = []
    links.feed((finished.path / "results" / REPORT).read_text("utf-8"))
    assert all(link.startswith("data:") for link in links.found), links.found
