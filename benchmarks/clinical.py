"""Coverage of response, counts and time to event: how often their 95 % intervals hold the truth.

Draws small two-arm trials with known truth and analyses each with the package's own functions:

* response (50 % better) at the fourth of four visits, scores jointly normal and rounded, two in
  ten lost under missing at random: standardised risk difference, log risk ratio and log odds ratio
  from imputed scores (linearised, and by Rubin's rules) and by bootstrap, from complete scores
  with the variance of Ye et al. and of Ge et al., and with missing counted as failure against the
  truth of response;
* days in the past 28 (beta-binomial): log odds ratio of binomial estimating equations;
* response at each of four visits: difference of logits by estimating equations;
* episodes: log rate ratio of negative binomial regression;
* weeks to an event: log hazard ratio of the Cox model, difference of restricted means.

Truth is computed from a very large sample on the observed scale, or stated by the model.
Run from the root of the repository::

    python benchmarks/clinical.py --trials 2000 --seed 1
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.analyses.gee import arm_by_visit, binomial_gee
from ipt_outcomes.analyses.hazards import fit_hazards
from ipt_outcomes.analyses.imputed_risks import imputed_risks
from ipt_outcomes.analyses.negative_binomial import fit_rates
from ipt_outcomes.analyses.response_bootstrap import bootstrap_estimates, pooled_bootstrap
from ipt_outcomes.analyses.response_data import ScoreMatrix
from ipt_outcomes.analyses.response_rows import pooled_contrast
from ipt_outcomes.analyses.standardisation import standardised_risks
from ipt_outcomes.analyses.survival_curves import KaplanMeier
from ipt_outcomes.imputation.joint_normal import imputations
from ipt_outcomes.imputation.linearised import linearised

LEVEL = 0.95
MEANS = np.array([[22.0, 18.0, 15.0, 12.0], [22.0, 19.0, 17.5, 15.5]])
GROWTH = np.array([0.0, 0.33, 0.67, 1.0])
LIMITS = (0.0, 52.0)
EFFECT_DAYS, EFFECT_RATE, EFFECT_HAZARD = -0.6, -0.5, 0.5
UNTIL = 16.0


def draw_scores(n: int, arm: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw complete scores of people under their arms (n, 4)."""
    level, slope = random.normal(0, 3.4, n), random.normal(0, 6.5, n)
    noise = random.normal(0, 3.4, (n, 4))
    latent = MEANS[arm] + level[:, None] + slope[:, None] * GROWTH + noise
    return np.clip(np.rint(latent), *LIMITS)


def lose(scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Drop people out, more likely after a high score (missing at random)."""
    seen = scores.copy()
    for visit in range(1, 4):
        before = seen[:, visit - 1]
        risk = 1 / (1 + np.exp(-(-2.9 + 0.08 * (before - 17))))
        seen[np.isnan(before) | (random.random(len(seen)) < risk), visit] = np.nan
    return seen


def responded(scores: np.ndarray) -> np.ndarray:
    """Tell who is at least 50 % better at the last visit."""
    return scores[..., 3] <= scores[..., 0] / 2


def contrasts(fit: object, **options: bool) -> dict[str, object]:
    """Collect the three contrasts of two arms."""
    return {
        "risk difference": fit.risk_difference("a", "b", **options),  # type: ignore[attr-defined]
        "log risk ratio": fit.risk_ratio("a", "b", **options),  # type: ignore[attr-defined]
        "log odds ratio": fit.odds_ratio("a", "b", **options),  # type: ignore[attr-defined]
    }


def of_responses(
    n: int, random: np.random.Generator, imputed: int, samples: int
) -> dict[str, tuple[float, float, float, float]]:
    arm = random.permutation(np.repeat([0, 1], n // 2))
    complete = draw_scores(n, arm, random)
    seen = lose(complete, random)
    found = {}

    def risks(scores: np.ndarray, event: np.ndarray, own: np.ndarray = arm) -> object:
        return standardised_risks(event, own, scores[:, :1], ["a", "b"])

    fit = risks(complete, responded(complete))
    for fixed, name in ((False, "complete, Ye"), (True, "complete, Ge")):
        for what, contrast in contrasts(fit, fixed=fixed).items():
            found[f"{what}: {name}"] = pooled_contrast([contrast], fit.df)
    fits = [
        risks(scores, responded(scores))
        for scores in imputations(seen, arm, np.empty((n, 0)), imputed, random, LIMITS)
    ]
    matrix = ScoreMatrix(np.arange(n), arm, ["a", "b"], list("0123"), seen,
                         np.empty((n, 0)), [], 0)  # fmt: skip
    linear = linearised(seen, arm, matrix.covariates, random, LIMITS)
    joined = imputed_risks(fits, linear, matrix, responded)
    if joined is not None:
        for what, contrast in contrasts(joined).items():
            found[f"{what}: imputed"] = pooled_contrast([contrast], joined.df)
    for what in contrasts(fits[0]):
        found[f"{what}: imputed, Rubin's rules"] = pooled_contrast(
            [contrasts(f)[what] for f in fits], fits[0].df
        )
    failure = risks(seen, responded(seen))
    found["risk difference: missing as failure"] = pooled_contrast(
        [failure.risk_difference("a", "b")], failure.df
    )
    if samples:

        def estimate(scores: np.ndarray, sample: ScoreMatrix) -> np.ndarray:
            own = risks(scores, responded(scores), sample.arm)
            return np.array([np.nan if c is None else c.value for c in contrasts(own).values()])

        drawn = bootstrap_estimates(matrix, estimate, samples, random, LIMITS)
        for place, what in enumerate(contrasts(fits[0])):
            found[f"{what}: bootstrap"] = pooled_bootstrap(drawn[:, :, place])
    return {name: (p.value, p.se, *p.interval(LEVEL)) for name, p in found.items() if p is not None}


def of_repeated(n: int, random: np.random.Generator) -> dict[str, tuple[float, ...]]:
    arm = random.permutation(np.repeat([0, 1], n // 2))
    who, visit = np.repeat(np.arange(n), 4), np.tile(np.arange(4), n)
    x = arm_by_visit(arm[who], visit, 2, 4, np.empty((4 * n, 0)))
    weights = np.zeros(8)
    weights[7] = 1.0
    # Thresholds of a normal variable shared over visits: marginal probabilities are exact.
    share = 1 / (1 + np.exp(-(-1 + 0.4 * visit + 0.25 * visit * (arm[who] == 0))))
    latent = np.sqrt(0.5) * random.normal(size=n)[who] + np.sqrt(0.5) * random.normal(size=4 * n)
    yes = (latent < stats.norm.ppf(share)).astype(float)
    binary = binomial_gee(yes, x, who).linear(weights, LEVEL)
    eta = 1 / (1 + np.exp(-(0.2 + EFFECT_DAYS * ((arm[who] == 0) & (visit > 0)))))
    common = stats.norm.cdf(latent)  # days of a person hang together over visits
    days = stats.betabinom.ppf(np.clip(common, 1e-9, 1 - 1e-9), 28, 2 * eta, 2 * (1 - eta))
    bounded = binomial_gee(days / 28, x, who, 28).linear(weights, LEVEL)
    return {
        name: (f["value"], f["se"], f["lower"], f["upper"])
        for name, f in (
            ("log odds ratio by visit: GEE", binary),
            ("log odds ratio of days: GEE", bounded),
        )
    }


def of_rates(n: int, random: np.random.Generator) -> dict[str, tuple[float, ...]]:
    arm = random.permutation(np.repeat([1.0, 0.0], n // 2))
    z = random.normal(0, 1, n)
    mean = np.exp(1.8 + EFFECT_RATE * arm + 0.4 * z)
    episodes = random.negative_binomial(1.2, 1.2 / (1.2 + mean)).astype(float)
    f = fit_rates(episodes, np.column_stack([arm, np.ones(n), z])).ratio(0, LEVEL)
    value = np.log(f["estimate"])
    return {"log rate ratio: negative binomial": (
        value, f["se"] / f["estimate"], np.log(f["lower"]), np.log(f["upper"]))}  # fmt: skip


def draw_times(n: int, arm: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw weeks to an event with proportional hazards given a covariate of no effect."""
    return random.exponential(12 * np.exp(-EFFECT_HAZARD * arm), n)


def of_times(n: int, random: np.random.Generator) -> dict[str, tuple[float, ...]]:
    arm = random.permutation(np.repeat([1.0, 0.0], n // 2))
    weeks = draw_times(n, arm, random)
    end = np.where(random.random(n) < 0.25, random.uniform(2, 30, n), 30.0)
    event, observed = weeks <= end, np.minimum(weeks, end)
    x = np.column_stack([arm, random.normal(0, 1, n)])
    f = fit_hazards(observed, event, x).ratio(0, LEVEL)
    found = {"log hazard ratio: Cox": (np.log(f["estimate"]), f["se"] / f["estimate"],
                                       np.log(f["lower"]), np.log(f["upper"]))}  # fmt: skip
    means = [KaplanMeier(observed[arm == a], event[arm == a]) for a in (1, 0)]
    treated, reference = (curve.restricted_mean(UNTIL) for curve in means)
    difference, se, df = treated.minus(reference)
    half = stats.t.ppf((1 + LEVEL) / 2, df) * se
    found["restricted mean difference"] = (difference, se, difference - half, difference + half)
    return found


def one(
    seed: int, n: int, imputed: int, samples: int, kinds: list[str]
) -> list[tuple[str, float, ...]]:
    """Draw and analyse one trial of each kind; what could not be estimated is counted."""
    rows: list[tuple[str, float, ...]] = []
    analyses = {
        "responses": partial(of_responses, imputed=imputed, samples=samples),
        "repeated": of_repeated,
        "rates": of_rates,
        "times": of_times,
    }
    for place, (name, kind) in enumerate(analyses.items()):
        if name not in kinds:
            continue
        random = np.random.default_rng([seed, place])
        try:
            rows += [(what, *values) for what, values in kind(n, random=random).items()]
        except ValueError as error:
            rows.append((f"not estimated: {error}", np.nan, np.nan, np.nan, np.nan))
    return rows


def truths(people: int, seed: int) -> dict[str, float]:
    """Find the true values."""
    random = np.random.default_rng([seed, 1])
    p = []
    for a in (0, 1):
        scores = draw_scores(people, np.full(people, a), random)
        p.append(float(responded(scores).mean()))
    odds = [q / (1 - q) for q in p]
    found = {
        "risk difference": p[0] - p[1],
        "log risk ratio": float(np.log(p[0] / p[1])),
        "log odds ratio": float(np.log(odds[0] / odds[1])),
        "log odds ratio by visit": 0.75,
        "log odds ratio of days": EFFECT_DAYS,
        "log rate ratio": EFFECT_RATE,
        "log hazard ratio": EFFECT_HAZARD,
    }
    rate = np.exp(EFFECT_HAZARD * np.array([1, 0])) / 12
    areas = (1 - np.exp(-rate * UNTIL)) / rate
    found["restricted mean difference"] = float(areas[0] - areas[1])
    return found


def summarise(rows: pd.DataFrame, truth: dict[str, float]) -> pd.DataFrame:
    """Summarise the estimates of many trials against the truth."""
    table = []
    for name, group in rows.groupby("name", sort=False):
        key = str(name).split(":")[0]
        if key not in truth:
            table.append({"what": name, "trials": len(group)})
            continue
        error = group["value"] - truth[key]
        held = group["lower"].le(truth[key]) & group["upper"].ge(truth[key])
        n, coverage = len(group), held.mean()
        table.append(
            {
                "what": name,
                "trials": n,
                "truth": truth[key],
                "bias": error.mean(),
                "bias_mc_error": error.std() / np.sqrt(n),
                "se_ratio": np.sqrt((group["se"] ** 2).mean()) / error.std(),
                "coverage": 100 * coverage,
                "coverage_mc_error": 100 * np.sqrt(coverage * (1 - coverage) / n),
            }
        )
    return pd.DataFrame(table)


def as_markdown(table: pd.DataFrame) -> str:
    """Show a summary as a Markdown table."""
    lines = [
        "| estimate | truth | bias (MC error) | model SE / empirical SE | coverage, % (MC error) |",
        "|---|---|---|---|---|",
    ]
    for r in table.itertuples():
        if np.isnan(r.truth):
            lines.append(f"| {r.what} ({r.trials}) | | | | |")
            continue
        few = f" (n = {r.trials})" if r.trials < table["trials"].max() else ""
        lines.append(
            f"| {r.what}{few} | {r.truth:.3f} | {r.bias:+.4f} ({r.bias_mc_error:.4f}) "
            f"| {r.se_ratio:.3f} | {r.coverage:.2f} ({r.coverage_mc_error:.2f}) |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--participants", type=int, default=120, help="in two arms")
    parser.add_argument("--imputations", type=int, default=20)
    parser.add_argument("--bootstrap", type=int, default=0, help="bootstrap samples a trial")
    parser.add_argument("--people", type=int, default=2_000_000, help="sample of the truth")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=["responses", "repeated", "rates", "times"])
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    seeds = [
        int(s) for s in np.random.SeedSequence(asked.seed).generate_state(asked.trials, np.uint64)
    ]
    analyse = partial(
        one,
        n=asked.participants,
        imputed=asked.imputations,
        samples=asked.bootstrap,
        kinds=asked.kinds,
    )
    if asked.processes == 1:
        parts = [analyse(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(asked.processes) as pool:
            parts = list(pool.map(analyse, seeds, chunksize=10))
    rows = pd.DataFrame(
        [row for part in parts for row in part], columns=["name", "value", "se", "lower", "upper"]
    )
    table = summarise(rows, truths(asked.people, asked.seed))
    print(
        f"{asked.trials} trials of {asked.participants} participants, seed {asked.seed}, "
        f"{asked.imputations} imputations, {asked.bootstrap} bootstrap samples.\n\n"
        f"{as_markdown(table)}\n\n{time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
