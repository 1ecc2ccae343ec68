"""Agreement with stored results of R's mmrm, lme4, lmerTest and pbkrtest, case by case.

``python -m ipt_outcomes.mixed.validate [tests/reference]`` prints the worst relative difference of
every case and ends with an error when one exceeds the tolerance. The folder holds the stored
results and the data that they were computed on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .fit import MixedModelFit
from .model import mixed_model

FORMULA = "change ~ baseline*visit + arm*visit + site"
TOLERANCE = 1e-6
COMPOUND_SYMMETRY = {
    "formula": "score ~ baseline + week*arm",
    "covariance": "compound symmetry",
}


def reference_trial(folder: Path) -> pd.DataFrame:
    """Read the trial that the stored results were computed on."""
    frame = pd.read_csv(
        folder / "reference_trial.csv",
        keep_default_na=False,
        na_values={"score": [""], "change": [""], "therapist": [""]},
    )
    frame["visit"] = frame["week"]
    return frame


def stored(folder: Path, name: str) -> dict[str, Any]:
    """Read the stored fits of one file."""
    fits: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())["fits"]
    return fits


def key(term: str) -> frozenset[str]:
    """Return a coefficient's name without R's or the engine's decoration.

    Examples
    --------
    >>> key("visit8:armIPT") == key("arm[IPT]:visit[8]")
    True
    """
    plain = term.replace("(Intercept)", "Intercept").replace("[", "").replace("]", "")
    return frozenset(plain.split(":"))


def worst(found: Any, expected: Any, se: Any = None) -> float:
    """Return the largest difference relative to max(|reference|, SE).

    Examples
    --------
    >>> worst([1.0, 2.0], [1.0, 2.5])
    0.2
    """
    a, b = np.asarray(found, float), np.asarray(expected, float)
    scale = np.abs(b) if se is None else np.maximum(np.abs(b), np.asarray(se, float))
    return float(np.max(np.abs(a - b) / scale))


def _matched(
    table: pd.DataFrame,
    labels: Sequence[Any],
    wanted: Sequence[Any],
    columns: dict[str, Any],
    se: Any,
) -> dict[str, float]:
    place = {label: j for j, label in enumerate(labels)}
    order = [place[label] for label in wanted]
    relative_to_se = {"estimate", "lower", "upper"}
    return {
        name: worst(table[name].to_numpy()[order], values, se if name in relative_to_se else None)
        for name, values in columns.items()
    }


def compare_with_mmrm(fit: MixedModelFit, reference: dict[str, Any]) -> dict[str, float]:
    """Return the worst relative difference per kind of result, against a stored mmrm fit."""
    table, theirs = fit.coefficients, reference["coefficients"]
    columns = {name: theirs[name] for name in ("estimate", "se", "df", "p")}
    out = _matched(
        table,
        [key(t) for t in table["term"]],
        [key(t) for t in theirs["term"]],
        columns,
        theirs["se"],
    )
    out["loglik"] = worst([fit.loglik], [reference["loglik"]])
    tables = fit.covariance
    if isinstance(tables, dict):
        pairs = [(tables[name], value) for name, value in reference["covariance"].items()]
    else:
        pairs = [(tables, reference["covariance"])]
    out["covariance"] = max(worst(own.to_numpy(), value["data"]) for own, value in pairs)
    means, theirs = fit.means("arm", by="visit"), reference["means"]
    columns = {"estimate": theirs["emmean"], "se": theirs["SE"], "df": theirs["df"]}
    columns |= {"lower": theirs["lower.CL"], "upper": theirs["upper.CL"]}
    labels = [(arm, str(visit)) for arm, visit in zip(means["arm"], means["visit"], strict=True)]
    wanted = [(arm, str(visit)) for arm, visit in zip(theirs["arm"], theirs["visit"], strict=True)]
    found = _matched(means, labels, wanted, columns, theirs["SE"])
    out |= {f"mean {name}": value for name, value in found.items()}
    contrasts = fit.contrasts("arm", by="visit", reference="MED")
    theirs = reference["contrasts_vs_MED"]
    arms = [text.split(" - ")[0].strip("()") for text in theirs["contrast"]]
    columns = {"estimate": theirs["estimate"], "se": theirs["SE"], "df": theirs["df"]}
    columns |= {"lower": theirs["lower.CL"], "upper": theirs["upper.CL"], "p": theirs["p.value"]}
    labels = [(a, str(v)) for a, v in zip(contrasts["arm"], contrasts["visit"], strict=True)]
    wanted = [(a, str(v)) for a, v in zip(arms, theirs["visit"], strict=True)]
    found = _matched(contrasts, labels, wanted, columns, theirs["SE"])
    out |= {f"contrast {name}": value for name, value in found.items()}
    terms = table["term"].tolist()
    rows = np.eye(len(terms))[[j for j, t in enumerate(terms) if "arm[" in t and "visit[" in t]]
    test, theirs = fit.test(rows).iloc[0], reference["joint_test_arm_by_visit"]
    out["F"] = worst([test["statistic"]], [theirs["f_stat"]])
    out["F df"] = worst([test["df_denominator"]], [theirs["denom_df"]])
    return out


def mmrm_requests() -> dict[str, dict[str, Any]]:
    """Return how each stored mmrm fit is asked for here."""
    out: dict[str, dict[str, Any]] = {}
    for code in ("us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh"):
        own = {"covariance": code}
        out[f"{code}/satterthwaite"] = {**own, "df": "satterthwaite"}
        out[f"{code}/kenward_roger"] = {**own, "df": "kenward-roger-mmrm"}
        out[f"{code}/kenward_roger_linear"] = {**own, "df": "kenward-roger-linear"}
    satterthwaite = {"covariance": "us", "df": "satterthwaite"}
    out["us/ml_satterthwaite"] = {**satterthwaite, "reml": False}
    out["us/satterthwaite/empirical"] = {**satterthwaite, "standard_errors": "CR0"}
    out["us/satterthwaite/empirical_jackknife"] = {**satterthwaite, "standard_errors": "CR3"}
    out["us/satterthwaite/empirical_bias_reduced"] = {**satterthwaite, "standard_errors": "CR2"}
    out["us_by_arm/satterthwaite"] = {**satterthwaite, "covariance_by": "arm"}
    return out


def lme4_requests() -> dict[str, dict[str, Any]]:
    """Return how each stored lme4 fit is asked for here, df apart."""
    growth = "score ~ baseline + week*arm"
    therapists = {"cluster": "therapist", "cluster_where": "arm != 'MED'"}
    return {
        "random_intercept": {"formula": growth, "random": "1"},
        "random_slope": {"formula": growth, "random": "1 + week"},
        "random_slope_ml": {"formula": growth, "random": "1 + week", "reml": False},
        "random_slope_by_problem_area": {
            "formula": "score ~ baseline + week*problem_area",
            "random": "1 + week",
        },
        "therapist_partially_nested_random_slope": {
            "formula": growth,
            "random": "1 + week",
            **therapists,
        },
        "therapist_partially_nested_random_intercept": {
            "formula": "score ~ baseline*visit + arm*visit",
            "random": "1",
            "visit": "visit",
            **therapists,
        },
    }


def fit_growth(
    folder: Path, reference: dict[str, Any], *, df: str, **request: Any
) -> MixedModelFit:
    """Fit a growth or therapist model as lmerTest (Satterthwaite) or pbkrtest (Kenward-Roger)."""
    frame = reference_trial(folder)
    formula = request.pop("formula")
    information = "observed" if df == "satterthwaite" else "expected"
    levels = {"arm": "MED"} if "arm" in formula else {}
    if "problem_area" in formula:
        names = set(reference["satterthwaite"]["names"])
        areas = sorted(frame["problem_area"].unique())
        levels = {"problem_area": next(a for a in areas if f"problem_area{a}" not in names)}
    return mixed_model(
        formula,
        frame,
        participant="participant",
        df=df,
        information=information,
        reference=levels,
        **request,
    )


def compare_with_lme4(fit: MixedModelFit, reference: dict[str, Any]) -> dict[str, float]:
    """Return the worst relative difference per kind of result, against a stored lme4 fit."""
    kenward_roger = fit.specification.df.startswith("kenward-roger")
    theirs = reference["kenward_roger" if kenward_roger else "satterthwaite"]
    table = fit.coefficients
    columns = {name: theirs[name] for name in ("estimate", "se", "df")}
    out = _matched(
        table,
        [key(t) for t in table["term"]],
        [key(t) for t in theirs["names"]],
        columns,
        theirs["se"],
    )
    out["loglik"] = worst([fit.loglik], [reference["logLik"]])
    theirs = reference["anova_type3_kr" if kenward_roger else "anova_type3_satterthwaite"]
    table = fit.anova()
    columns = {"F": theirs["F"], "F df": theirs["den_df"]}
    table = table.rename(columns={"statistic": "F", "df_denominator": "F df"})
    labels, wanted = [key(t) for t in table["term"]], [key(t) for t in theirs["term"]]
    out |= _matched(table, labels, wanted, columns, None)
    name = f"emmeans_{'kenward-roger' if kenward_roger else 'satterthwaite'}"
    if name in reference:
        theirs = reference[name]["emmeans"]
        factor = next(k for k in theirs if k in {"arm", "problem_area"})
        means = fit.means(factor, at={"week": 16})
        columns = {"estimate": theirs["emmean"], "se": theirs["SE"], "df": theirs["df"]}
        found = _matched(means, means[factor].tolist(), theirs[factor], columns, theirs["SE"])
        out |= {f"mean {k}": v for k, v in found.items()}
        theirs = reference[name]["contrasts"]
        ours = fit.contrasts(factor, at={"week": 16}, pairwise=factor != "arm")
        columns = {"estimate": theirs["estimate"], "se": theirs["SE"], "df": theirs["df"]}
        labels = [
            frozenset(c.replace("(", "").replace(")", "").split(" - ")) for c in ours["contrast"]
        ]
        wanted = [
            frozenset(c.replace("(", "").replace(")", "").split(" - ")) for c in theirs["contrast"]
        ]
        ours["estimate"], columns["estimate"] = ours["estimate"].abs(), np.abs(columns["estimate"])
        found = _matched(ours, labels, wanted, columns, theirs["SE"])
        out |= {f"contrast {k}": v for k, v in found.items()}
    return out


def compare_random_effects(fit: MixedModelFit, reference: dict[str, Any]) -> dict[str, float]:
    """Return the worst difference of variance components and of predicted random effects.

    A covariance is measured against the deviations of the two effects, a prediction against the
    deviation of its effect.
    """
    theirs = reference["varcorr"]
    effects = {"(Intercept)": "Intercept"}
    expected: dict[Any, float] = {}
    scales: dict[str, float] = {}
    for group, one, two, value in zip(
        *(theirs[k] for k in ("grp", "var1", "var2", "vcov")), strict=True
    ):
        if group == "participant":
            name = effects.get(one, one)
            other = name if two is None else two
            expected[name, other] = value
            if two is None:
                scales[name] = np.sqrt(value)
        else:
            expected[group] = value
    own = fit.random_covariance
    assert own is not None
    parameters = fit.variance_components.set_index("parameter")["estimate"]
    found: dict[Any, float] = {}
    sizes: dict[Any, float] = {}
    for key_ in expected:
        if isinstance(key_, tuple):
            found[key_], sizes[key_] = (
                float(np.asarray(own.loc[key_])),
                scales[key_[0]] * scales[key_[1]],
            )
        else:
            name = "residual variance" if key_ == "Residual" else "cluster variance"
            found[key_], sizes[key_] = parameters[name], expected[key_]
    out = {"variance": max(abs(found[k] - expected[k]) / sizes[k] for k in expected)}
    tables = reference["ranef"]
    participants = tables["participant"]
    table = fit.random_effects.loc[participants["level"]]
    out["random effect"] = max(
        float(np.abs(table[name] - participants[label]).max() / scales[name])
        for label in participants
        if label != "level"
        for name in [effects.get(label, label)]
    )
    if "therapist" in tables:
        clusters = fit.cluster_effects.set_index("cluster")["effect"]
        place = [j for j, level in enumerate(tables["therapist"]["level"]) if level in clusters]
        predicted = np.array(tables["therapist"]["tx"])[place]
        own_effects = clusters[[tables["therapist"]["level"][j] for j in place]].to_numpy()
        largest = float(np.abs(own_effects - predicted).max())
        out["cluster effect"] = largest / float(np.sqrt(expected["therapist"]))
    return out


def report(folder: Path) -> dict[str, dict[str, float]]:
    """Fit every stored case and return its differences."""
    out = {}
    for case, request in mmrm_requests().items():
        fit = fit_reference(folder, **request)
        out[f"mmrm {case}"] = compare_with_mmrm(fit, stored(folder, "mmrm")[case])
    fits = stored(folder, "growth_and_therapists")
    for case, request in lme4_requests().items():
        for df in ("satterthwaite", "kenward-roger"):
            if df == "kenward-roger" and "kenward_roger" not in fits[case]:
                continue
            fit = fit_growth(folder, fits[case], df=df, **request)
            program = "lmerTest" if df == "satterthwaite" else "pbkrtest"
            found = compare_with_lme4(fit, fits[case])
            out[f"{program} {case}"] = found | compare_random_effects(fit, fits[case])
    # The same model with the covariance of the visits in place of a random intercept.
    for df in ("satterthwaite", "kenward-roger"):
        fit = fit_growth(folder, fits["random_intercept"], df=df, **COMPOUND_SYMMETRY)
        program = "lmerTest" if df == "satterthwaite" else "pbkrtest"
        out[f"{program} compound symmetry"] = compare_with_lme4(fit, fits["random_intercept"])
    return out


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 1 when a difference exceeds the tolerance."""
    folder = Path(arguments[0]) if arguments else Path("tests/reference")
    if not (folder / "mmrm.json").exists():
        print(f"{folder} holds no stored results (mmrm.json); give their folder as an argument.")
        return 2
    failed = 0
    print(f"{'case':58s} {'worst':>9s}  where")
    for case, found in report(folder).items():
        place = max(found, key=lambda name: found[name])
        failed += found[place] > TOLERANCE
        print(f"{case:58s} {found[place]:9.1e}  {place}")
    print(f"relative to max(|reference|, SE); tolerance {TOLERANCE:.0e}; {failed} cases beyond it")
    return int(failed > 0)


def fit_reference(folder: Path, **request: Any) -> MixedModelFit:
    """Fit the reference trial's repeated-measures model."""
    return mixed_model(
        FORMULA,
        reference_trial(folder),
        participant="participant",
        visit="visit",
        reference={"arm": "MED"},
        **request,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
