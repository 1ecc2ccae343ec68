r"""Pool: one estimate with its interval from the estimates of all completed data sets.

Which variance an interval has is decided by the draws, and every row says it.

*Resampling* (jackknife, bootstrap of conditional means) estimates the variance over repetitions of
the whole trial. With θ̂ from the trial itself, θ̂_(i) without participant i and θ̂*_b from resamples,

    se²_jackknife = (n−1)/n Σ_i (θ̂_(i) − θ̄_(.))² ,     se²_bootstrap = Σ_b (θ̂*_b − θ̄*)²/(B−1) .

*Rubin* (approximate Bayes, posterior): with M estimates, their variance B and the mean U of their
own variances, T = U + (1 + 1/M) B, and t with Barnard & Rubin's df,

    λ = (1+1/M) B/T ,  ν_m = (M−1)/λ² ,  ν_o = ν_c (1−λ)(ν_c+1)/(ν_c+3) ,  1/ν = 1/ν_m + 1/ν_o .

Under reference-based strategies T is *information anchored* (Cro, Carpenter & Kenward 2019, JRSS A
182:623): it keeps the share of information lost as under MAR, and is larger than the variance over
repetitions of the trial.

*Bootstrapped imputation* (von Hippel & Bartlett 2021, Stat Sci 36:400): with B resamples imputed D
times, and the mean squares between and within resamples,

    T = [ (B+1) MSB − B MSW ] / (B D) ,
    ν = [ (B+1) MSB − B MSW ]² / [ MSB² (B+1)²/(B−1) + B MSW²/(D−1) ] .

Sources: Efron & Tibshirani (1993) for jackknife and bootstrap; Rubin (1987); Barnard & Rubin
(1999) Biometrika 86:948; Wolbers et al. (2022); for the number of imputations White, Royston &
Wood (2011, the Monte-Carlo error at most a tenth of the standard error) and von Hippel (2020, Soc
Methods Res 49:699, the standard error itself repeatable to 5 %), whichever asks for more.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from .analysing import Analysed
from .errors import ImputationError
from .incomplete import Floats

Interval = Literal["normal", "percentile"]

RESAMPLING = "resampling (over repetitions of the trial)"
RUBIN = "Rubin (information-anchored under reference-based strategies)"
BOOTSTRAPPED = "von Hippel & Bartlett (over repetitions of the trial)"


def pool(analysed: Analysed, *, level: float = 0.95, interval: Interval = "normal") -> pd.DataFrame:
    """Pool the estimates of all completed data sets.

    Parameters
    ----------
    analysed
        Estimates per data set.
    level
        Level of the intervals.
    interval
        For the bootstrap: ``"normal"`` or ``"percentile"``.

    Returns
    -------
    pandas.DataFrame
        quantity, arm, reference, visit, estimate, se, df (empty for normal intervals), lower,
        upper, level, p, variance (which one), interval_method, data_sets, within, between,
        missing_information, mcse (Monte-Carlo error of the estimate), mcse_se (of the standard
        error) and data_sets_needed.

    Raises
    ------
    ImputationError
        For a level outside (0, 1), or percentiles where nothing was resampled.

    Examples
    --------
    >>> from ipt_outcomes.imputation import analyse, ancova, draws, impute
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> table = pool(analyse(impute(draws(small_trial())), ancova()))
    >>> table.loc[0, ["arm", "reference", "interval_method"]].tolist()
    ['IPT', 'MED', 'normal, jackknife']
    """
    if not 0 < level < 1:
        raise ImputationError(f"the level must lie between 0 and 1, found {level}.")
    method = analysed.imputed.draws.method
    if interval == "percentile" and method != "bootstrap":
        raise ImputationError(f"percentile intervals belong to the bootstrap, not to {method!r}.")
    numbers = pool_numbers(analysed, analysed.estimates, analysed.variances, level, interval)
    return pd.concat([analysed.parameters.reset_index(drop=True), numbers], axis=1)


def pool_numbers(
    analysed: Analysed,
    estimates: Floats,
    variances: Floats | None,
    level: float,
    interval: Interval,
) -> pd.DataFrame:
    """Pool estimates (data sets, P) by the method of the draws."""
    method = analysed.imputed.draws.method
    if method == "jackknife":
        return _jackknife(estimates, level)
    if method == "bootstrap":
        return _bootstrap(estimates, level, interval)
    if method == "bootstrapped imputation":
        return _bootstrapped(estimates, analysed.imputed.draws.per_draw, level)
    assert variances is not None
    return rubin(estimates, variances, analysed.df, level)


def _normal(estimate: Floats, se: Floats, level: float) -> dict[str, Floats]:
    half = stats.norm.ppf((1 + level) / 2) * se
    return {"lower": estimate - half, "upper": estimate + half,
            "p": 2 * stats.norm.sf(_ratio(estimate, se))}  # fmt: skip


def _ratio(estimate: Floats, se: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.where(se > 0, np.abs(estimate) / se, np.where(estimate == 0, 0, np.inf))
        )


def _frame(estimate: Floats, se: Floats, level: float, **columns: object) -> pd.DataFrame:
    first = {"estimate": estimate, "se": se, "df": np.nan, "lower": np.nan, "upper": np.nan,
             "level": level, "p": np.nan, "variance": "", "interval_method": "", "data_sets": 0,
             "within": np.nan, "between": np.nan, "missing_information": np.nan, "mcse": np.nan,
             "mcse_se": np.nan, "data_sets_needed": np.nan}  # fmt: skip
    return pd.DataFrame({**first, **columns})


def _jackknife(estimates: Floats, level: float) -> pd.DataFrame:
    estimate, left_out = estimates[0], estimates[1:]
    n = len(left_out)
    se = np.sqrt((n - 1) / n * ((left_out - left_out.mean(0)) ** 2).sum(0))
    # No random number is involved: the result has no Monte-Carlo error.
    found = _normal(estimate, se, level)
    return _frame(estimate, se, level, **found, variance=RESAMPLING,
                  interval_method="normal, jackknife", data_sets=n, mcse=0.0,
                  mcse_se=0.0)  # fmt: skip


def _bootstrap(estimates: Floats, level: float, interval: Interval) -> pd.DataFrame:
    estimate, again = estimates[0], estimates[1:]
    B = len(again)
    se = again.std(0, ddof=1)
    found = _normal(estimate, se, level)
    words = "normal, bootstrap"
    if interval == "percentile":
        words = "percentile bootstrap"
        tail = (1 - level) / 2
        # The estimate may lie outside the percentiles of a skewed bootstrap: say so, not hide it.
        lower, upper = np.quantile(again, [tail, 1 - tail], axis=0, method="weibull")
        below, above = (again <= 0).sum(0), (again >= 0).sum(0)
        p = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (B + 1))
        found = {"lower": lower, "upper": upper, "p": p}
    return _frame(estimate, se, level, **found, variance=RESAMPLING, interval_method=words,
                  data_sets=B, mcse=0.0, mcse_se=se / np.sqrt(2 * (B - 1)),
                  data_sets_needed=201.0 if interval == "normal" else 1000.0)  # fmt: skip


def rubin(estimates: Floats, variances: Floats, df_complete: Floats, level: float) -> pd.DataFrame:
    """Pool by Rubin's rules with Barnard & Rubin's degrees of freedom.

    Parameters
    ----------
    estimates, variances
        Of M data sets, shape (M, P).
    df_complete
        Degrees of freedom of the analysis of complete data (P,), infinite allowed.
    level
        Level of the intervals.

    Examples
    --------
    >>> table = rubin(np.array([[1.0], [3.0]]), np.array([[1.0], [1.0]]), np.array([np.inf]), 0.95)
    >>> float(table.loc[0, "se"])
    2.0
    """
    M = len(estimates)
    estimate, within = estimates.mean(0), variances.mean(0)
    between = estimates.var(0, ddof=1)
    # Equal estimates differ by rounding only: nothing was imputed that matters to them.
    between = np.where(between <= 1e-20 * np.maximum(within, 1e-300), 0.0, between)
    total = within + (1 + 1 / M) * between
    se = np.sqrt(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, (1 + 1 / M) * between / total, 0.0)
        old = np.where(share > 0, (M - 1) / share**2, np.inf)
        seen = np.where(
            np.isinf(df_complete),
            np.inf,
            (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share),
        )
        df = np.where(share > 0, 1 / (1 / old + 1 / seen), df_complete)
        ratio = (1 + 1 / M) * between / np.maximum(within, 1e-300)
        lost = np.where(share > 0, (ratio + 2 / (df + 3)) / (ratio + 1), 0.0)
    half = stats.t.ppf((1 + level) / 2, df) * se
    mcse = np.sqrt(between / M)
    needed = np.ceil(np.maximum(between / np.maximum(0.01 * total, 1e-300), 1 + 200 * lost**2))
    return _frame(
        estimate, se, level, df=np.where(np.isinf(df), np.nan, df), lower=estimate - half,
        upper=estimate + half, p=2 * stats.t.sf(_ratio(estimate, se), df), variance=RUBIN,
        interval_method="t, Rubin's rules with Barnard–Rubin df", data_sets=M, within=within,
        between=between, missing_information=lost, mcse=mcse,
        mcse_se=se * lost / np.sqrt(2 * max(M - 1, 1)), data_sets_needed=needed,
    )  # fmt: skip


def _bootstrapped(estimates: Floats, D: int, level: float) -> pd.DataFrame:
    by_resample = estimates.reshape(-1, D, estimates.shape[1])
    B = len(by_resample)
    estimate, means = estimates.mean(0), by_resample.mean(1)
    between = D * ((means - estimate) ** 2).sum(0) / (B - 1)
    within = ((by_resample - means[:, None]) ** 2).sum((0, 1)) / (B * (D - 1))
    # With little missing the difference of mean squares may be negative; then only MSB is left.
    core = np.maximum((B + 1) * between - B * within, between)
    se = np.sqrt(core / (B * D))
    with np.errstate(divide="ignore", invalid="ignore"):
        df = core**2 / (between**2 * (B + 1) ** 2 / (B - 1) + B * within**2 / (D - 1))
    df = np.maximum(np.nan_to_num(df, nan=3.0), 3.0)
    half = stats.t.ppf((1 + level) / 2, df) * se
    mcse = np.sqrt(between / (B * D))
    return _frame(
        estimate, se, level, df=df, lower=estimate - half, upper=estimate + half,
        p=2 * stats.t.sf(_ratio(estimate, se), df), variance=BOOTSTRAPPED,
        interval_method="t, bootstrapped imputation", data_sets=B * D, within=within,
        between=between, mcse=mcse, mcse_se=se / np.sqrt(2 * df),
        data_sets_needed=np.ceil(np.maximum(201.0, mcse**2 * B / (0.01 * se**2))) * D,
    )  # fmt: skip
