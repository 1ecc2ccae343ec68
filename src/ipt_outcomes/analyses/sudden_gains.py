r"""Sudden gains: large, stable improvements from one session to the next.

For scores y of one participant, session n before and n + 1 after a gain (higher is worse),

1. :math:`y_n - y_{n+1} \ge` 7 points (``points``),
2. :math:`y_n - y_{n+1} \ge` 25 % of :math:`y_n` (``percent``),
3. :math:`\bar y_{pre} - \bar y_{post} > t_{n_{pre}+n_{post}-2}\; s`, over up to three sessions on
   either side, at least two, with the critical value of the t-distribution (2.776 when all six are
   there) and s the pooled standard deviation (or, on request, its standard error of the
   difference, as in the t-test).

Each criterion can be changed or left out. A gain is reversed when half of it is lost later. Who had
a gain is known only afterwards: comparing them with others compares no randomised groups.

Sources: Tang & DeRubeis (1999), Journal of Consulting and Clinical Psychology 67:894; Lutz et al.
(2013), Psychotherapy Research 23:177 (critical values with missing sessions).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ipt_outcomes.analyses.data import TrialData, exploratory
from ipt_outcomes.analyses.disclosure import SMALLEST, SUPPRESSED
from ipt_outcomes.analyses.process_data import by_time, label_of
from ipt_outcomes.analyses.proportions import exact_share
from ipt_outcomes.analyses.within_between import ProcessError
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.process_analyses import SuddenGainsAnalysis

Floats = NDArray[np.float64]

SELECTED = "known only after randomisation: those with and without are no randomised groups"


@dataclass(frozen=True)
class Gain:
    """One sudden gain.

    Parameters
    ----------
    session
        The session before the gain.
    size
        Points of improvement to the next session.
    reversed
        Whether the configured share of it was lost at a later session.
    """

    session: int
    size: float
    reversed: bool


def find_gains(scores: Floats, rule: SuddenGainsAnalysis) -> list[Gain]:
    """Find the sudden gains of one participant.

    Parameters
    ----------
    scores
        Score of sessions 1, 2, ..., missing ones not-a-number.
    rule
        The criteria.

    Returns
    -------
    list of Gain
        In the order of the sessions.

    Examples
    --------
    >>> rule = SuddenGainsAnalysis(variable="bdi")
    >>> find_gains(np.array([30.0, 29, 31, 15, 14, 16]), rule)
    [Gain(session=3, size=16.0, reversed=False)]
    >>> find_gains(np.array([30.0, 20, 31, 22, 30, 16]), rule)
    []
    """
    sign = 1.0 if rule.higher_is == "worse" else -1.0
    found = []
    for n in range(1, len(scores)):
        before, after = scores[n - 1], scores[n]
        size = sign * (before - after)
        if not size > 0:  # not-a-number too
            continue
        if rule.points is not None and size < rule.points - 1e-9:
            continue
        if rule.percent is not None and size < rule.percent / 100 * abs(before) - 1e-9:
            continue
        if rule.stability is not None:
            pre = sign * scores[max(n - rule.sessions, 0) : n]
            post = sign * scores[n : n + rule.sessions]
            if not _stable(pre, post, rule):
                continue
        later = sign * scores[n + 1 :]
        lost = float(np.nanmax(later) - sign * after) if (~np.isnan(later)).any() else 0.0
        back = lost >= rule.reversal_percent / 100 * size - 1e-9
        found.append(Gain(n, float(size), bool(back)))
    return found


def _stable(pre: Floats, post: Floats, rule: SuddenGainsAnalysis) -> bool:
    pre, post = pre[~np.isnan(pre)], post[~np.isnan(post)]
    if len(pre) < 2 or len(post) < 2 or rule.stability is None:
        return False
    df = len(pre) + len(post) - 2
    spread = math.sqrt(
        ((len(pre) - 1) * np.var(pre, ddof=1) + (len(post) - 1) * np.var(post, ddof=1)) / df
    )
    if rule.standard_error:
        spread *= math.sqrt(1 / len(pre) + 1 / len(post))
    critical = float(stats.t.ppf(1 - rule.stability / 2, df))
    return bool(pre.mean() - post.mean() > critical * spread)


def sudden_gains(data: TrialData) -> pd.DataFrame:
    """Count sudden gains by arm, and describe them.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table.

    Raises
    ------
    ProcessError
        When the variable has no sessions.
    """
    rule = data.study.analyses.sudden_gains
    assert rule is not None, "the workflow asks for this analysis only when it is configured"
    scores = by_time(data, rule.variable, "session")
    wide = scores.pivot_table(index="participant", columns="time", values="value")
    sessions = range(1, int(wide.columns.max()) + 1)
    wide = wide.reindex(columns=list(sessions))
    if len(sessions) < 2 * rule.sessions:
        raise ProcessError(
            f"{data.trial}: {rule.variable} has {len(sessions)} sessions; sudden gains with "
            f"{rule.sessions} sessions on either side need at least {2 * rule.sessions}."
        )
    gains = {who: find_gains(row, rule) for who, row in zip(wide.index, wide.to_numpy(float),
                                                            strict=True)}  # fmt: skip
    arm = scores.drop_duplicates("participant").set_index("participant")["arm"]
    rows: list[Row] = []
    for name in data.arms:
        own = [gains[who] for who in wide.index if arm[who] == name]
        if own:
            rows.extend(_rows(data, rule, name, own))
    of = arm.reindex(wide.index).to_numpy(str)
    rows.extend(_course(data, rule, wide.to_numpy(float), list(gains.values()), of))
    return estimates(rows)


def _course(
    data: TrialData,
    rule: SuddenGainsAnalysis,
    scores: Floats,
    gains: list[list[Gain]],
    arms: NDArray[np.str_],
) -> Iterator[Row]:
    """Give the mean score around the first gain by session from it, arms with gains together."""
    around: dict[int, list[float]] = {}
    with_gain = arms[[bool(own) for own in gains]]
    # With an arm whose count is hidden in it, the pooled n would tell that count.
    shown = [name for name in data.arms if (with_gain == name).sum() >= SMALLEST]
    for row, own, arm in zip(scores, gains, arms, strict=True):
        for session in range(1, len(row) + 1) if own and arm in shown else ():
            away = session - own[0].session
            if -rule.sessions < away <= rule.sessions and not math.isnan(row[session - 1]):
                around.setdefault(away, []).append(float(row[session - 1]))
    for away, values in sorted(around.items()):
        n = len(values)
        about = exploratory(
            data,
            "sudden gains, course",
            quantity="observed mean",
            contrast="score around the first gain",
            subgroup=f"session {away:+d} from the session before the gain",
            method="description",
            notes=f"{label_of(data, rule.variable)}: {criteria_in_words(rule)}; of "
            f"{', '.join(data.study.arms[name].label for name in shown)}; participants chosen "
            "for the drop: its size is no effect of anything",
        )
        if n < SMALLEST:
            yield {**about, "notes": f"{about['notes']}; {SUPPRESSED}"}
            continue
        mean, se = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(n)
        half = float(stats.t.ppf((1 + rule.level) / 2, n - 1)) * se
        yield {**about, "estimate": mean, "se": se, "df": n - 1, "lower": mean - half,
               "upper": mean + half, "level": rule.level, "interval_method": "t",
               "n_arm": n}  # fmt: skip


def criteria_in_words(rule: SuddenGainsAnalysis) -> str:
    """Say the criteria in words, for the rows.

    Examples
    --------
    >>> criteria_in_words(SuddenGainsAnalysis(variable="bdi", stability=None))
    'at least 7 points and at least 25 % of the score before'
    """
    words = []
    if rule.points is not None:
        words.append(f"at least {rule.points:g} points")
    if rule.percent is not None:
        words.append(f"at least {rule.percent:g} % of the score before")
    if rule.stability is not None:
        spread = "standard error" if rule.standard_error else "pooled SD"
        words.append(
            f"{rule.sessions} sessions before and after differ by more than the t-quantile "
            f"({rule.stability:g}) times the {spread}"
        )
    return " and ".join(words)


def _rows(
    data: TrialData, rule: SuddenGainsAnalysis, arm: str, own: list[list[Gain]]
) -> Iterator[Row]:
    first = [gains[0] for gains in own if gains]
    n, k = len(own), len(first)
    about = exploratory(
        data,
        "sudden gains",
        arm=arm,
        n_arm=n,
        notes=f"{label_of(data, rule.variable)}: {criteria_in_words(rule)}; {SELECTED}",
        method="description",
    )
    if 0 < k < SMALLEST:
        yield {**about, "quantity": "probability", "contrast": "with a sudden gain",
               "notes": f"{about['notes']}; {SUPPRESSED}"}  # fmt: skip
        return
    yield {**about, **exact_share(k, n, rule.level), "contrast": "with a sudden gain"}
    yield {**about, "quantity": "count", "contrast": "with a sudden gain", "estimate": k,
           "unit": "participants"}  # fmt: skip
    if not k:
        return
    for values, words, unit in (
        ([gain.size for gain in first], "size of the first gain", "points"),
        ([gain.session for gain in first], "session before the first gain", "session"),
    ):
        yield {**about, "quantity": "observed mean", "contrast": words, "n_arm": k,
               "estimate": float(np.mean(values)), "unit": unit}  # fmt: skip
        yield {**about, "quantity": "standard deviation", "contrast": words, "n_arm": k,
               "estimate": float(np.std(values, ddof=1)), "unit": unit}  # fmt: skip
    back = sum(gain.reversed for gain in first)
    if 0 < back < SMALLEST or 0 < k - back < SMALLEST:
        yield {**about, "quantity": "probability", "contrast": "first gain later reversed",
               "n_arm": k, "notes": f"{about['notes']}; {SUPPRESSED}"}  # fmt: skip
        return
    yield {**about, **exact_share(back, k, rule.level), "contrast": "first gain later reversed"}
