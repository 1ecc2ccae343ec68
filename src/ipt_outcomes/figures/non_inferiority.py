"""Non-inferiority or equivalence: each interval against the margin."""

from __future__ import annotations

from ipt_outcomes.figures.drawing import Drawing
from ipt_outcomes.figures.forest import Block, draw_forest, forest_height
from ipt_outcomes.figures.forest_words import bar_of, forest_data, interval_words, spoken
from ipt_outcomes.figures.style import new_figure, styled
from ipt_outcomes.tables.comparisons import sentence
from ipt_outcomes.tables.non_inferiority import compared, label_of, verdict_row
from ipt_outcomes.tables.quotes import joined, named, quote, words
from ipt_outcomes.tables.source import AS_RANDOMISED, Source


def non_inferiority(source: Source) -> Drawing:
    """Draw the interval of every analysis against the margin of the configuration."""
    study = source.study
    plan = study.analyses.non_inferiority
    assert plan is not None, "the catalogue asks for this figure only when it is configured"
    outcome = study.primary_outcome
    settings = study.outcomes[outcome]
    endpoint = source.visit(study.endpoint)
    rows = compared(source)
    verdict = verdict_row(source)
    first = next(iter(rows), None)
    bars = [
        bar_of(row, label_of(row),
               strong=row["analysis_set"] == AS_RANDOMISED and row["analysis"] == plan.kind)
        for row in rows
    ]  # fmt: skip
    limits = (-plan.margin, plan.margin) if plan.kind == "equivalence" else (-plan.margin,)
    arm, comparator = source.arm(plan.arm), source.arm(plan.comparator)
    with styled():
        blocks = [Block("", bars, limits)]
        figure = new_figure(forest_height(blocks) if bars else 0.6)
        if bars:
            draw_forest(
                figure, 0, blocks, heads=("n", f"benefit {interval_words(rows)}", "p"),
                x_label=f"Benefit in {settings.short_label} at {endpoint.text} ({settings.unit})",
                sides=(f"{comparator.text[:40]} better", f"{arm.text[:40]} better"),
            )  # fmt: skip
        else:
            figure.text(0.5, 0.5, "Nothing could be compared.", ha="center", va="center")
    kind = plan.kind.capitalize()
    return Drawing(
        figure,
        forest_data(rows),
        words(f"{kind} of ", arm, " to ", comparator, ", ", source.outcome(outcome), ": ",
              source.trial_label()),
        words(
            "Benefit of ", arm, " over ", comparator, " at ", endpoint, ", positive when ", arm,
            " is better; bars: ",
            *([quote(first, "level")] if first is not None else []),
            " confidence intervals. Broken line: the margin, ", named(f"{plan.margin:g}"), " ",
            source.unit(outcome), ". Every interval must keep to it. ",
            *([words("Verdict: ", sentence(verdict), " ")] if verdict is not None else []),
            "n: participants behind either arm's estimate. ",
            joined([words(named(label_of(row)), ": ", quote(row, "method")) for row in rows]), ".",
        ),
        words("Forest plot of benefits against the margin of ", named(f"{plan.margin:g}"), " ",
              source.unit(outcome), ". ",
              spoken(list(rows), [words(named(label_of(row))) for row in rows])),
    )  # fmt: skip
