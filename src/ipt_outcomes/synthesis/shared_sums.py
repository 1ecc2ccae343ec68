"""A site's file for an analysis over several sites, none of which shows a row of its data.

``site_summary`` sums one trial's rows for the primary model (:mod:`ipt_outcomes.mixed.summaries`),
``write_summary`` puts them into a JSON file that a person can read before it leaves the house, and
``combined`` fits the primary model to several such files: adjusted means and differences as rows of
the estimates table. What must agree between sites (outcome, unit, estimand, visits, arms' names,
model) stands in the file and is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, model_frame
from ipt_outcomes.mixed import MixedModelFit
from ipt_outcomes.mixed.summaries import Cell, Summary, combine, summarise, withheld_share
from ipt_outcomes.results import estimates
from ipt_outcomes.whole_files import whole_file

KIND = "ipt-outcomes site summary"
VERSION = 1
NOT_NEUTRAL = (
    "Withholding is not neutral when scores are missing at random: who is seen at which visits has "
    "to do with the scores, so the patterns that are rare, and withheld, are not like the others."
)


class SummaryError(ValueError):
    """A summary that cannot be made, read or combined."""


@dataclass(frozen=True)
class SiteFile:
    """A summary with the meaning of its numbers.

    Parameters
    ----------
    source
        Name of the site or trial.
    meaning
        What must agree between files: outcome, unit, estimand, endpoint, arms, reference, level.
    summary
        The sums.
    """

    source: str
    meaning: dict[str, Any]
    summary: Summary


def site_summary(
    data: TrialData, *, source: str, smallest: int, sites: tuple[str, ...] = ()
) -> SiteFile:
    """Sum a trial's rows for the primary model of its primary outcome and estimand.

    Parameters
    ----------
    data
        The trial.
    source
        Name under which the sums are shared.
    smallest
        Patterns of fewer participants are withheld.
    sites
        Only participants of these sites; everybody by default.

    Raises
    ------
    SummaryError
        When no participant is left.
    """
    study = data.study
    outcome, estimand = study.primary_outcome, study.primary_estimand
    rows = model_frame(data, outcome, estimand, AS_RANDOMISED).rows
    if sites:
        of = data.participants.set_index("participant")["site"]
        rows = rows[rows["participant"].map(of).isin(sites)]
    weeks = {name: visit.week for name, visit in study.visits.items()}
    rows = rows.assign(week=rows["visit"].astype("str").map(weeks).astype(float))
    rows = rows[rows["score"].notna()]
    if rows.empty:
        named = f" of site {', '.join(sites)}" if sites else ""
        known = ", ".join(sorted(data.participants["site"].dropna().unique()))
        raise SummaryError(
            f"no participant{named} has a baseline and a later score; sites are {known or 'none'}."
        )
    # The site itself is what the files differ in; it enters when they are combined.
    covariates = [name for name in study.analyses.primary.adjust_for if name != "site"]
    rows = rows[["participant", "week", "arm", "baseline", "score", *covariates]]
    texts = [name for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
    summary = summarise(
        " + ".join(["score ~ baseline*week", "arm*week", *covariates]),
        rows.astype(dict.fromkeys(texts, object)),
        participant="participant",
        visit="week",
        smallest=smallest,
    )
    described = study.outcomes[outcome]
    aim = study.estimands[estimand]
    meaning = {
        "outcome": outcome,
        "unit": described.unit,
        "range": list(described.range),
        "higher_is": described.higher_is,
        "estimand": estimand,
        "strategies": aim.intercurrent_events.model_dump(mode="json"),
        "endpoint_week": study.visits[aim.endpoint].week,
        "reference_arm": study.reference_arm,
        "degrees_of_freedom": study.analyses.primary.degrees_of_freedom,
        "level": study.analyses.primary.level,
    }
    return SiteFile(source, meaning, summary)


def write_summary(site: SiteFile, path: str | Path) -> None:
    """Write a summary as JSON, whole or not at all; the same sums give the same bytes."""
    own = site.summary
    content = {
        "kind": KIND,
        "version": VERSION,
        "source": site.source,
        "meaning": site.meaning,
        "model": {
            "formula": own.formula,
            "visit": own.visit,
            "kinds": own.kinds,
            "numeric": [list(parts) for parts in own.numeric],
            "visits": list(own.visits),
            "levels": list(own.levels),
            "shift": own.shift,
        },
        "disclosure": {
            "smallest_pattern": own.smallest,
            "withheld_patterns": own.withheld_patterns,
            "withheld_participants": own.withheld_participants,
            "warning": NOT_NEUTRAL if own.withheld_participants else "",
        },
        "patterns": [
            {
                "visits_seen": [own.visits[v] for v in cell.visits],
                "levels": list(cell.levels),
                "participants": cell.n,
                "cross_products": [[float(x) for x in row] for row in cell.gram],
            }
            for cell in own.cells
        ],
    }
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def read_summary(path: str | Path) -> SiteFile:
    """Read a summary that :func:`write_summary` wrote.

    Raises
    ------
    SummaryError
        When it is none, of another version, or contradicts itself.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text("utf-8"))
        if content.get("kind") != KIND:
            raise SummaryError(f"{path}: is no site summary; make one with `ipt summarise`.")
        if content["version"] != VERSION:
            raise SummaryError(
                f"{path}: version {content['version']}, this program reads {VERSION}."
            )
        model, kept = content["model"], content["disclosure"]
        visits = tuple(float(v) for v in model["visits"])
        cells = tuple(
            Cell(
                tuple(visits.index(float(v)) for v in cell["visits_seen"]),
                tuple(cell["levels"]),
                int(cell["participants"]),
                np.array(cell["cross_products"], float),
            )
            for cell in content["patterns"]
        )
        summary = Summary(
            model["formula"], model["visit"], dict(model["kinds"]),
            tuple(tuple(parts) for parts in model["numeric"]), visits, tuple(model["levels"]),
            float(model["shift"]), cells, int(kept["smallest_pattern"]),
            int(kept["withheld_patterns"]), int(kept["withheld_participants"]),
        )  # fmt: skip
        site = SiteFile(str(content["source"]), dict(content["meaning"]), summary)
    except FileNotFoundError:
        raise SummaryError(f"{path}: there is no such file.") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, SummaryError):
            raise
        raise SummaryError(f"{path}: is damaged ({type(error).__name__}: {error}).") from None
    if wrong := list(_contradictions(site.summary)):
        raise SummaryError(f"{path}: contradicts itself:\n" + "\n".join(f"  - {w}" for w in wrong))
    return site


def _contradictions(summary: Summary) -> Iterator[str]:
    for place, cell in enumerate(summary.cells, 1):
        gram, unseen = cell.gram, set(range(len(summary.visits))) - set(cell.visits)
        numbers = gram.shape[0] - len(summary.visits)
        if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or numbers < 1:
            yield f"pattern {place}: cross-products of shape {gram.shape}"
        elif gram[0, 0] != cell.n:
            yield f"pattern {place}: {cell.n} participants, but the sum of ones is {gram[0, 0]:g}"
        elif not np.array_equal(gram, gram.T):
            yield f"pattern {place}: the cross-products are not symmetric"
        elif any(gram[numbers + v].any() for v in unseen):
            yield f"pattern {place}: sums at a visit that was not seen"
        elif np.linalg.eigvalsh(gram)[0] < -1e-8 * max(np.trace(gram), 1.0):
            yield f"pattern {place}: no scores can have these cross-products"
        if cell.n < summary.smallest:
            yield f"pattern {place}: {cell.n} participants, fewer than {summary.smallest}"


@dataclass(frozen=True)
class Combined:
    """The model over several sites.

    Parameters
    ----------
    fit
        The fit.
    rows
        Adjusted means and differences by visit, as rows of the estimates table.
    withheld
        Share of all participants that the sites withheld.
    """

    fit: MixedModelFit
    rows: pd.DataFrame
    withheld: float


def combined(sites: list[SiteFile], *, sites_in_model: bool = True) -> Combined:
    """Fit the primary model to the sums of several sites.

    Parameters
    ----------
    sites
        Their files.
    sites_in_model
        Whether the site is a factor of the model.

    Raises
    ------
    SummaryError
        When two files have one name, or do not mean the same.
    """
    names = [site.source for site in sites]
    wrong = [
        f"{name}: two files have this name" for name in {n for n in names if names.count(n) > 1}
    ]
    first = sites[0]
    for site in sites[1:]:
        wrong += [
            f"{site.source}: {key} is {site.meaning.get(key)!r}, {first.source} has {value!r}"
            for key, value in first.meaning.items()
            if site.meaning.get(key) != value
        ]
    if wrong:
        raise SummaryError("the files cannot be combined:\n" + "\n".join(f"  - {w}" for w in wrong))
    meaning = first.meaning
    fit = combine(
        {site.source: site.summary for site in sites},
        source="site" if sites_in_model and len(sites) > 1 else None,
        reference={"arm": meaning["reference_arm"]},
        df=meaning["degrees_of_freedom"],
        level=meaning["level"],
    )
    share = withheld_share([site.summary for site in sites])
    return Combined(fit, estimates(_rows(fit, meaning, names, share)), share)


def _rows(
    fit: MixedModelFit, meaning: Mapping[str, Any], names: list[str], share: float
) -> Iterator[dict[str, Any]]:
    note = f"one model over the sums of {', '.join(names)}"
    if share:
        note += f"; {share:.1%} of the participants withheld by the sites"
    common = {
        "trial": "+".join(names),
        "outcome": meaning["outcome"],
        "analysis": "federated",
        "analysis_set": AS_RANDOMISED,
        "estimand": meaning["estimand"],
        "unit": meaning["unit"],
        "level": meaning["level"],
        "interval_method": "t",
        "method": "mixed model for repeated measures from sums, REML",
        "covariance": fit.covariance_used,
        "converged": fit.convergence.converged,
        "status": "exploratory",
        "disclosure": "shared",
        "notes": note,
    }
    numbers = ("estimate", "se", "df", "lower", "upper")
    for mean in fit.means("arm", by="week").to_dict("records"):
        yield {
            **common, "quantity": "mean", "arm": mean["arm"], "visit": f"week {mean['week']:g}",
            **{name: mean[name] for name in numbers},
        }  # fmt: skip
    table = fit.contrasts("arm", by="week", reference=meaning["reference_arm"])
    for row in table.to_dict("records"):
        yield {
            **common, "quantity": "difference", "arm": row["arm"], "reference": row["reference"],
            "contrast": f"{row['arm']} minus {row['reference']}", "visit": f"week {row['week']:g}",
            **{name: row[name] for name in (*numbers, "statistic", "p")},
        }  # fmt: skip
