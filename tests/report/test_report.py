"""The report: traced, self-contained, well formed, and careful in what it says."""

from __future__ import annotations

import copy
import itertools
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from made_up import SECRET, config, example_study, made_up

from ipt_outcomes.figures import figure_names
from ipt_outcomes.report.page import render_report, report_html
from ipt_outcomes.report.pieces import ReportPieces, TrialPieces
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import FORMS
from ipt_outcomes.tables.rows import Rows

from .page_reader import Element, read_page
from .rendered import SOFTWARE, TRACED, pieces, written


def test_every_quoted_number_is_what_its_row_says(page: Element, rows: pd.DataFrame) -> None:
    by_id = {row["id"]: row for row in Rows.of(rows, "example")}
    quotes = page.all(data_estimate=None)
    assert len(quotes) > 700
    for quote in quotes:
        row = by_id[str(quote.attributes["data-estimate"])]
        assert quote.text == FORMS[str(quote.attributes["data-form"])](row)


def test_no_number_is_typed(page: Element) -> None:
    (body,) = page.all("body")
    text = body.text_without(*TRACED, tags=("style", "title", "script"))
    loose = re.findall(r".{0,40}\d.{0,40}", text)
    assert not loose


def test_alternative_texts_are_plain_words(page: Element) -> None:
    images = page.all("img")
    assert len(images) == len(figure_names(example_study(), "example"))
    for image in images:
        alternative = str(image.attributes["alt"])
        assert len(alternative) > 60
        assert "<" not in alternative


def test_nothing_is_fetched(html: str, page: Element) -> None:
    for element in page.all():
        assert element.tag not in {"iframe", "object", "embed", "base"}
        for name in ("src", "href", "srcset", "action", "poster"):
            target = element.attributes.get(name)
            assert target is None or target.startswith(("#", "data:")), f"{name}={target}"
    style = "".join(element.text for element in page.all("style"))
    assert "url(" not in style
    assert "@import" not in style
    for element in page.all("script"):  # names of formats, of licences: never fetched
        html = html.replace(element.text, "")
    assert not re.search(r"https?://", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html))
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert str(policy.attributes["content"]).startswith("default-src 'none'; img-src data:;")


def test_the_page_can_be_navigated(page: Element) -> None:
    ids = [str(element.attributes["id"]) for element in page.all(id=None)]
    assert len(ids) == len(set(ids))
    for element in page.all():
        for name in ("aria-labelledby", "href"):
            target = element.attributes.get(name)
            if target and not target.startswith("data:"):
                assert target.lstrip("#") in ids
    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.all("a")[0].attributes["href"] == "#main"
    levels = [int(e.tag[1]) for e in page.all("main")[0].all() if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 2
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert len(page.all("h1")) == 1
    linked = {str(a.attributes["href"]) for nav in page.all("nav") for a in nav.all("a")}
    sections = {f"#{section.attributes['id']}" for section in page.all("section")}
    assert linked == sections


def test_tables_have_captions_and_scopes(page: Element) -> None:
    tables = page.all("table")
    assert len(tables) == 54
    for table in tables:
        assert len(table.all("caption")) == 1
        assert all(head.attributes.get("scope") for head in table.all("th"))
        width = None
        for row in table.all("tr"):
            cells = [c for c in row.children if isinstance(c, Element)]
            if row.parent is not None and row.parent.tag == "tbody":
                spans = sum(int(str(cell.attributes.get("colspan", 1))) for cell in cells)
                width = width or spans
                assert spans == width
    numbers = [e.text.strip(" .") for e in page.all("span", data_number=None)]
    main = [n for n in numbers if n.startswith("Table ") and not n.startswith("Table S")]
    assert main == [f"Table {i + 1}" for i in range(len(main))]
    assert [n for n in numbers if n.startswith("Figure")] == [f"Figure {i}" for i in range(1, 20)]


def section(page: Element, name: str) -> Element:
    return page.all("section", id=name)[0]


def test_each_further_part_says_its_result_in_a_sentence(page: Element, rows: pd.DataFrame) -> None:
    of = Rows.of(rows, "example")
    change = of.one(analysis="growth, durability", arm="MED", visit="week_40", reference=None)
    course = section(page, "example-course").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "From Week 16 to Week 40 the adjusted mean of the HAM-D17 changed by: IPT " in course
    assert f"Medication −{abs(change['estimate']):.2f}, 95% CI" in course
    assert "arm × phase: F(6, 280.2) = 3.10, p = .006" in course
    assert "was 0.031 (95% CI [0.000, 0.140]) with IPT" in section(page, "example-therapists").text
    rest = section(page, "example-diagnostics").text
    assert "over the covariances examined; from −3.60 to −3.20 with any one participant" in rest
    assert "with therapists: from 1.60 to 1.90 with any one therapist left out" in rest


def test_the_summary_states_the_primary_result(page: Element, rows: pd.DataFrame) -> None:
    row = Rows.of(rows, "example").one(
        analysis="primary", outcome="hamd17", estimand="policy", analysis_set="as randomised",
        quantity="difference", arm="IPT", visit="week_16",
    )  # fmt: skip
    text = section(page, "summary").text.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        f"average HAM-D17 scores were {abs(row['estimate']):.2f} points lower (better) with IPT"
        in text
    )
    assert "p < .001" in text
    assert "The interval for IPT minus Medication does not contain zero." in text
    assert "IPT + medication minus Medication contains zero" in text
    assert "A lower score is better" in text


@pytest.mark.parametrize(
    ("points", "higher_is", "words"),
    [(-2.0, "worse", "lower (better)"), (2.0, "worse", "higher (worse)"),
     (-2.0, "better", "lower (worse)"), (2.0, "better", "higher (better)")],
)  # fmt: skip
def test_better_follows_the_instruments_direction(
    rows: pd.DataFrame, example_pieces: TrialPieces, points: float, higher_is: str, words: str
) -> None:
    raw = config()
    raw["outcomes"]["hamd17"]["higher_is"] = higher_is
    moved = rows.copy()
    chosen = (moved["analysis"] == "primary") & (moved["quantity"] == "difference")
    moved.loc[chosen, ["estimate", "lower", "upper"]] = [points, points - 3, points + 3]
    text = section(read_page(written(example_study(raw), moved, example_pieces)), "summary").text
    assert f"2.00 points {words} with IPT" in text
    assert "contain zero: the data leave open which arm did better" in text


def test_all_is_exploratory_while_no_plan_is_locked(
    html: str, example: Study, rows: pd.DataFrame, example_pieces: TrialPieces
) -> None:
    assert "No analysis plan is locked, so no result on this page is confirmatory" in html
    locked = written(example, rows, example_pieces, locked_plan="plan of May")
    assert "No analysis plan" not in locked
    assert "plan of May" in locked


def test_problem_areas_are_described_and_never_explained(page: Element) -> None:
    areas = section(page, "example-problem-areas")
    assert "Observational, exploratory" in areas.text
    assert "not randomised" in areas.text
    causal = r"\b(caus\w+|leads? to|because|due to|responsible|improves?|impact|effective)\b"
    assert not re.search(causal, areas.text, re.IGNORECASE)


def test_a_model_that_did_not_converge_gives_no_sentence(
    example: Study, rows: pd.DataFrame, example_pieces: TrialPieces
) -> None:
    failed = rows.copy()
    failed.loc[failed["analysis"] == "primary", "converged"] = False
    text = section(read_page(written(example, failed, example_pieces)), "summary").text
    assert "did not converge" in text
    assert not re.search(r"\d\.\d", text)


def test_hidden_and_restricted_numbers_stay_out(html: str) -> None:
    assert f"{SECRET:.2f}" not in html
    assert "987654" not in html
    assert "&lt;5" in html


def test_same_results_same_bytes(
    example: Study, rows: pd.DataFrame, example_pieces: TrialPieces, tmp_path: Path
) -> None:
    about = ReportPieces(study=example, estimates=rows, trials={"example": example_pieces},
                         provenance=SOFTWARE)  # fmt: skip
    for name in ("a", "b"):
        render_report(about, tmp_path / name / "report.html")
    first, second = (tmp_path / name / "report.html" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["report.html"]


def test_hostile_labels_stay_text(
    hostile: Study, hostile_rows: pd.DataFrame, tmp_path: Path
) -> None:
    html = written(hostile, hostile_rows, pieces(hostile, hostile_rows, tmp_path))
    page = read_page(html)
    assert len(page.all("script")) == 3  # the charts' data, what draws them, the page's own
    for script in page.all("script"):
        assert "alert(" not in script.text or "\\u003cscript" in script.text
    assert '<script>alert("x")' in page.text


def test_several_trials_stand_apart(rows: pd.DataFrame, tmp_path: Path) -> None:
    raw = copy.deepcopy(config())
    raw["trials"]["second"] = {**raw["trials"]["example"], "label": "Second trial"}
    raw["enrolment"] = {}
    study = example_study(raw)
    both = pd.concat([made_up(study, trial) for trial in study.trials], ignore_index=True)
    trials = {trial: pieces(study, both, tmp_path, trial) for trial in study.trials}
    html = report_html(ReportPieces(study=study, estimates=both, trials=trials))
    page = read_page(html)
    ids = [str(element.attributes["id"]) for element in page.all(id=None)]
    assert len(ids) == len(set(ids))
    assert {"example", "second", "second-hamd17", "methods-second"} <= set(ids)
    cited = {
        str(q.attributes["data-estimate"]) for q in section(page, "second").all(data_estimate=None)
    }
    assert {name.split("/")[0] for name in cited} == {"second"}


def test_a_trial_without_figures_or_extra_analyses_is_reported(rows: pd.DataFrame) -> None:
    raw = config()
    raw["analyses"] = {"primary": raw["analyses"]["primary"]}
    raw["analysis_sets"] = {}
    html = written(example_study(raw), rows, TrialPieces())
    assert "Problem areas" not in html
    assert "Data quality" not in html


def test_charts_draw_the_rows_of_the_estimates(page: Element, rows: pd.DataFrame) -> None:
    by_id = {row["id"]: row for row in Rows.of(rows, "example")}
    specs = json.loads(page.all("script", id="charts")[0].text)
    assert {part.attributes["data-chart"] for part in page.all(data_chart=None)} == set(specs)
    assert len(specs) == 4
    for spec in specs.values():
        points = spec["data"]["values"]
        assert len(points) >= 20
        for point in points:
            row = by_id[point["id"]]
            assert point["estimate"] == pytest.approx(row["estimate"], abs=1e-4)
            assert point["shown"].startswith(FORMS["estimate"](row))


def test_charts_compile(page: Element) -> None:
    compiler = pytest.importorskip("vl_convert")
    for spec in json.loads(page.all("script", id="charts")[0].text).values():
        assert compiler.vegalite_to_vega(spec)["marks"]


def test_checklists_say_where_an_item_is_answered_or_what_is_missing(
    page: Element, rows: pd.DataFrame, example: Study
) -> None:
    def answers(page: Element) -> dict[str, list[str]]:
        table = section(page, "checklists").all("table")[0]
        cells = [[c for c in row.children if isinstance(c, Element)] for row in table.all("tr")]
        return {row[0].text: [cell.text for cell in row[1:]] for row in cells if len(row) == 4}

    consort = answers(page)
    assert {"1a", "10", "21c", "30"} <= set(consort)
    assert len(consort) == 43  # 42 items and the head
    assert consort["22a"][1:] == ["Participants", "–"]
    assert consort["27"][1] == "Harms"
    assert consort["18"][1:] == ["–", "the mechanism"]
    bare = config()
    bare["analyses"] = {"primary": bare["analyses"]["primary"]}
    few = answers(read_page(written(example_study(bare), rows[rows["analysis"] == "primary"],
                                    TrialPieces())))  # fmt: skip
    assert few["27"][1:] == ["–", "no part of this report answers it"]


def test_deviations_are_listed(
    example: Study, rows: pd.DataFrame, example_pieces: TrialPieces
) -> None:
    html = report_html(
        ReportPieces(study=example, estimates=rows, trials={"example": example_pieces},
                     locked_plan="plan of May", deviations=["the endpoint was moved"])
    )  # fmt: skip
    text = section(read_page(html), "deviations").text
    assert "plan of May" in text
    assert "the endpoint was moved" in text


def test_methods_tell_of_every_analysis_and_references_of_what_is_cited(
    page: Element, example: Study
) -> None:
    (methods,) = page.all(id="methods")
    text = " ".join(methods.text.split())
    for said in ("imputed first", "Kaplan–Meier", "slopes by phase", "residuals, influence"):
        assert said in text
    assert "module" not in text
    (cited,) = page.all(id="references")
    assert "Small sample inference for fixed effects" in cited.text
    assert "cross-lagged panel" not in cited.text  # nothing shown cites it
