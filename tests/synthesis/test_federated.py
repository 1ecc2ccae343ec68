"""One model over several sites' sums: the pooled rows' numbers, and what withholding does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ipt_outcomes.analyses.data import TrialData, model_frame
from ipt_outcomes.cli import main
from ipt_outcomes.frames import write_frames
from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.mixed import MixedModelError, mixed_model
from ipt_outcomes.mixed.summaries import combine, summarise
from ipt_outcomes.study import load_study
from ipt_outcomes.synthesis.shared_sums import (
    SummaryError,
    combined,
    read_summary,
    site_summary,
    write_summary,
)

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = ["estimate", "se", "df", "lower", "upper"]


@pytest.fixture(scope="module")
def example() -> TrialData:
    study = load_study(ROOT / "config.yaml")
    read = ingest_trial(study, "example", str(ROOT))
    return TrialData(study, "example", read.scores, read.participants)


@pytest.fixture(scope="module")
def pooled(example):
    """The primary analysis of the pooled rows."""
    rows = model_frame(example, "hamd17", example.study.primary_estimand, "as randomised").rows
    return mixed_model(
        "score ~ baseline*visit + arm*visit + site", rows[rows["score"].notna()],
        participant="participant", visit="visit", reference={"arm": "MED"},
    )  # fmt: skip


def sites_of(example, smallest: int):
    names = sorted(example.participants["site"].unique())
    return [site_summary(example, source=name, smallest=smallest, sites=(name,)) for name in names]


def test_sites_of_the_example_give_the_pooled_fit(example, pooled, tmp_path):
    files = []
    for site in sites_of(example, smallest=1):
        files.append(tmp_path / f"{site.source}.json")
        write_summary(site, files[-1])
    found = combined([read_summary(file) for file in files])
    for quantity, table in (
        ("difference", pooled.contrasts("arm", by="visit")),
        ("mean", pooled.means("arm", by="visit")),
    ):
        rows = found.rows[found.rows["quantity"] == quantity]
        assert len(rows) == len(table)
        ours = rows[NUMBERS].to_numpy(float)
        order = table.assign(visit=table["visit"].astype(str)).set_index(["arm", "visit"])
        for row, numbers in zip(rows.itertuples(), ours, strict=True):
            visit = row.visit.replace("week ", "week_")
            np.testing.assert_allclose(
                numbers, order.loc[(row.arm, visit), NUMBERS].to_numpy(float), rtol=1e-9, atol=1e-9
            )
    assert found.fit.loglik == pytest.approx(pooled.loglik, abs=1e-9)
    assert found.withheld == 0
    assert found.fit.counts["participants"] == pooled.n_participants


def test_withholding_is_counted_leaves_no_small_pattern_and_changes_the_result(example, pooled):
    sites = sites_of(example, smallest=5)
    assert all(cell.n >= 5 for site in sites for cell in site.summary.cells)
    everybody = sum(s.summary.participants + s.summary.withheld_participants for s in sites)
    assert everybody == pooled.n_participants
    found = combined(sites)
    assert found.withheld == pytest.approx(
        sum(s.summary.withheld_participants for s in sites) / everybody
    )
    assert found.withheld > 0.1
    assert found.rows["notes"].str.contains("withheld by the sites").all()
    last = found.rows[found.rows["quantity"] == "difference"]["estimate"].iloc[-1]
    assert abs(last - pooled.contrasts("arm", by="visit")["estimate"].iloc[-1]) > 0.05


def test_order_of_sites_and_shift_of_scores_do_not_matter(example):
    rows = model_frame(example, "hamd17", "policy", "as randomised").rows
    rows = rows[rows["score"].notna()].assign(
        week=lambda d: d["visit"].astype(str).str[5:].astype(int), arm=lambda d: d["arm"].astype(object),
    )  # fmt: skip
    parts = {str(name): part for name, part in rows.groupby("site")}
    formula = "score ~ baseline*week + arm*week"
    how = {"participant": "participant", "visit": "week"}
    forward = combine({n: summarise(formula, p, **how) for n, p in parts.items()})
    backward = combine({n: summarise(formula, parts[n], **how) for n in reversed(list(parts))})
    moved = combine(
        {n: summarise(formula, p.assign(score=p["score"] + 7), **how) for n, p in parts.items()}
    )
    arms = forward.contrasts("arm", by="week", reference="MED")
    for other in (backward, moved):
        again = other.contrasts("arm", by="week", reference="MED")
        np.testing.assert_allclose(arms[NUMBERS], again[NUMBERS], rtol=1e-8)


def test_a_site_without_the_last_visit_combines(example):
    rows = model_frame(example, "hamd17", "policy", "as randomised").rows
    rows = rows[rows["score"].notna()].assign(
        week=lambda d: d["visit"].astype(str).str[5:].astype(int)
    )
    rows["arm"] = rows["arm"].astype(object)
    kept = rows[(rows["site"] != "Site A") | (rows["week"] < 40)]
    how = {"participant": "participant", "visit": "week"}
    formula = "score ~ baseline*week + arm*week"
    found = combine({str(n): summarise(formula, p, **how) for n, p in kept.groupby("site")})
    direct = mixed_model(formula, kept, **how)
    assert found.loglik == pytest.approx(direct.loglik, abs=1e-8)
    assert len(kept) < len(rows)


def test_commands(example, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text("utf-8"), "utf-8")
    config = str(tmp_path / "config.yaml")
    out = ["--config", config, "--out", str(tmp_path / "A.json"), "--site", "Site A"]
    assert main(["summarise", *out]) == 1
    assert "snakemake check" in capsys.readouterr().err
    folder = tmp_path / "results" / "restricted" / "example"
    scores, people = (
        frame.assign(participant="person" + frame["participant"].astype(str))
        for frame in (example.scores, example.participants)
    )
    write_frames(
        scores, people, str(folder / "scores.parquet"), str(folder / "participants.parquet")
    )
    assert main(["summarise", *out]) == 0
    said = capsys.readouterr().out
    assert "WITHHELD" in said
    assert "not neutral" in said
    whole = ["summarise", "--config", config, "--smallest", "1"]
    for site in "AB":
        main([*whole, "--site", f"Site {site}", "--out", str(tmp_path / f"{site}.json")])
    text = (tmp_path / "A.json").read_text("utf-8")
    assert "person1" not in text
    files = [str(tmp_path / "A.json"), str(tmp_path / "B.json")]
    capsys.readouterr()
    assert main(["combine", *files, "--out", str(tmp_path / "both.csv")]) == 0
    assert "numbers of the pooled rows" in capsys.readouterr().out
    assert (tmp_path / "both.csv").is_file()
    assert main(["combine", files[0], files[0]]) == 1
    assert "two files have this name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c.update(version=99), "version 99"),
        (lambda c: c.update(kind="x"), "is no site summary"),
        (lambda c: c["patterns"][0].update(participants=99), "the sum of ones is"),
        (lambda c: c["patterns"][0]["cross_products"][0].__setitem__(1, 5.0), "not symmetric"),
        (
            lambda c: c["patterns"][0]["cross_products"][1].__setitem__(1, -5.0),
            "no scores can have",
        ),
        (lambda c: c["disclosure"].update(smallest_pattern=500), "fewer than 500"),
        (lambda c: c["model"].pop("visits"), "is damaged"),
    ],
)
def test_damaged_files_are_refused_by_name(example, tmp_path, edit, words):
    file = tmp_path / "A.json"
    write_summary(sites_of(example, smallest=5)[0], file)
    content = json.loads(file.read_text("utf-8"))
    edit(content)
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(SummaryError, match=words) as raised:
        read_summary(file)
    assert "A.json" in str(raised.value)


def test_files_that_do_not_mean_the_same_are_refused(example):
    one, other, *_ = sites_of(example, smallest=1)
    other.meaning["unit"] = "percent"
    with pytest.raises(SummaryError, match="unit is 'percent'"):
        combined([one, other])


def test_all_withheld_is_said(example):
    with pytest.raises(MixedModelError, match="every pattern was withheld"):
        combined(sites_of(example, smallest=1000))
