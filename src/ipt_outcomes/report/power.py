"""The page of a planned trial: what was assumed, what its simulations found, how many to plan."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from ipt_outcomes.figures.drawing import NO_METADATA, Drawing
from ipt_outcomes.figures.style import styled
from ipt_outcomes.planning.characteristics import Characteristics, Proportion
from ipt_outcomes.planning.closed_form import ClosedForm
from ipt_outcomes.planning.design import PlannedTrial
from ipt_outcomes.planning.search import SampleSize
from ipt_outcomes.report.templating import templates
from ipt_outcomes.tables.numbers import number

TEMPLATES = Path(__file__).parent / "templates"

Line = tuple[str, str, str]


def power_page(
    *,
    design: PlannedTrial,
    found: Characteristics,
    theory: ClosedForm,
    size: SampleSize | None,
    drawing: Drawing,
    provenance: Mapping[str, str],
) -> str:
    """Return the page as HTML text that needs nothing else.

    Parameters
    ----------
    design
        The trial to come.
    found
        What its simulated trials found.
    theory
        Power by theory, had nobody left.
    size
        The sample size for the target power, if one was asked for.
    drawing
        The figure.
    provenance
        Versions of the software.
    """
    stream = io.BytesIO()
    with styled():
        drawing.figure.savefig(stream, format="svg", metadata=NO_METADATA["svg"])
    environment = templates(TEMPLATES)
    return environment.get_template("power.html.j2").render(
        design=design,
        answer=_answer(design, found, size),
        results=_results(design, found, theory),
        size=size,
        arms=_arms(design),
        assumptions=_assumptions(design),
        figure="data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode("ascii"),
        drawing=drawing,
        provenance=provenance,
        style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
    )


def _percent(part: Proportion) -> str:
    return f"{part.value:.1%}".replace("%", " %")


def _range(part: Proportion) -> str:
    return f"{100 * part.lower:.1f} to {100 * part.upper:.1f} %"


def _answer(design: PlannedTrial, found: Characteristics, size: SampleSize | None) -> str:
    words = (
        f"With {design.total} participants the trial has {_percent(found.power)} power to find a "
        f"true difference of {number(found.truth, 2)} {design.outcome.unit} at {design.endpoint}."
    )
    if size is not None:
        groups = " + ".join(str(n) for n in size.per_arm.values())
        words += (f" {size.target:.0%} power needs {size.total} participants ({groups}).").replace(
            "%", " %", 1
        )
    return words


def _results(design: PlannedTrial, found: Characteristics, theory: ClosedForm) -> list[Line]:
    note = "" if theory.exact else "approximate: "
    lines = [
        ("Power", _percent(found.power), f"simulation error: {_range(found.power)}"),
        (
            "Power by theory with complete data",
            f"{100 * theory.power:.1f} %",
            f"{note}{theory.assumptions}",
        ),
        (
            "Significant in the wrong direction",
            f"{100 * found.wrong_direction.value:.2g} %",
            f"simulation error: {_range(found.wrong_direction)}",
        ),
    ]
    if found.type_one_error is not None:
        lines.append(
            (
                "Type I error",
                _percent(found.type_one_error),
                f"nominal {100 * (1 - design.level):.3g} %; simulation error: "
                f"{_range(found.type_one_error)}",
            )
        )
    unit = design.outcome.unit
    lines += [
        ("True difference", number(found.truth, 2), f"{unit}, had everyone stayed"),
        (
            "Bias",
            number(found.bias, 3),
            f"{unit}, Monte Carlo standard error {found.bias_error:.3f}",
        ),
        ("SD of the estimates", f"{found.sd:.3f}", f"mean standard error {found.se:.3f}"),
        (
            "Coverage of the interval",
            _percent(found.coverage),
            f"nominal {100 * design.level:.3g} %; simulation error: {_range(found.coverage)}",
        ),
        ("Mean width of the interval", f"{found.width:.2f}", unit),
        ("Mean degrees of freedom", f"{found.df:.1f}", "Kenward–Roger"),
        (
            "Seen at the endpoint",
            " + ".join(f"{n:.1f}" for n in found.seen),
            f"mean number, {' and '.join(design.compare)}",
        ),
        (
            "Trials whose model did not converge",
            str(found.failed),
            f"of {found.trials:,}, left out above",
        ),
    ]
    return lines


def _arms(design: PlannedTrial) -> list[tuple[str, list[str]]]:
    return [
        (
            name,
            [
                str(arm.participants),
                *(f"{mean:g}" for mean in arm.means),
                f"{100 * arm.dropout:g} %",
            ],
        )
        for name, arm in design.arms.items()
    ]


def _assumptions(design: PlannedTrial) -> list[str]:
    scatter = design.scatter
    lines = [
        f"SD {scatter.sd_at_baseline:g} at baseline, {scatter.sd_at_endpoint:g} at the endpoint; "
        f"correlation of neighbouring visits {scatter.correlation:g}, decay {scatter.decay:g}.",
        "Leaving the study is missing at random: "
        + (
            f"its hazard is multiplied by {_factor(design.dropout_per_sd)} for each SD of the last "
            "observed score."
            if design.dropout_per_sd
            else "it does not depend on the scores."
        ),
        f"Visits missed by those still in the study: {100 * design.missed_visits:g} %.",
    ]
    if design.therapists is not None:
        lines.append(
            f"{design.therapists.number} therapists in each arm with psychotherapy, intraclass "
            f"correlation {design.therapists.icc:g} at the endpoint, {design.therapists.analysis} "
            "in the analysis."
        )
    if design.problem_areas:
        areas = ", ".join(
            f"{name.replace('_', ' ')} {100 * area.share:g} % ({_signed(area.effect)})"
            for name, area in design.problem_areas.items()
        )
        lines.append(f"Problem areas (share, effect at the endpoint in points): {areas}.")
    if design.outcome.range is not None:
        low, high = design.outcome.range
        lines.append(f"Scores are whole numbers from {low:g} to {high:g}.")
    lines.append(f"Seed {design.seed}; {design.trials:,} trials.")
    return lines


def _factor(log_ratio: float) -> str:
    return f"{math.exp(log_ratio):.2f}"


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"
