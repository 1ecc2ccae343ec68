r"""What goes with a process variable within a person, apart from what sets persons apart.

For participant i at occasion t with predictor x (measured a lag earlier) and outcome y,

.. math::

    y_{it} = \text{arm}_g \times t + \beta_w x^w_{it} + \beta_b (\bar x_i - \bar x)
             + b_{0i} + b_{1i} t + e_{it},

where :math:`\bar x_i` is the participant's mean and :math:`x^w` what is left of x after the
participant's own straight line in time: deviations from the person's own course, so that two
variables that both merely change over treatment do not go together. It is orthogonal to the
person's level and trend, and :math:`\beta_w` is free of everything stable about persons. Residuals
of neighbouring occasions may be correlated (autoregressive).

:math:`\beta_w` is an association in time. It is an effect only if nothing that varies within a
person drives both, and if earlier outcomes do not move later predictors (strict exogeneity); where
they do, detrending over T occasions leaves a bias of order 1/T. The outcome's own past, centred on
the person, is refused below :data:`ENOUGH` occasions: its coefficient would be biased by about
:math:`-(1 + \rho)/(T - 1)` (Nickell 1981, Econometrica 49:1417).

Sources: Curran & Bauer (2011), Annual Review of Psychology 62:583; Wang & Maxwell (2015),
Psychological Methods 20:63; Hamaker, Kuiper & Grasman (2015), Psychological Methods 20:102 (the
random-intercept cross-lagged model for few occasions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit

ENOUGH = 10
"""Occasions below which the outcome's own past, centred on the person, is refused."""


class ProcessError(ValueError):
    """A process analysis that the data cannot carry."""


@dataclass(frozen=True)
class Occasions:
    """Rows for a within–between model, and who is not in them.

    Parameters
    ----------
    rows
        participant, arm, time, y, x, within, between and, where asked for, past and same.
    left_out
        Participants with something recorded but too few occasions.
    """

    rows: pd.DataFrame
    left_out: int

    @property
    def people(self) -> int:
        """Number of participants."""
        return int(self.rows["participant"].nunique())


def lagged_occasions(
    predictor: pd.DataFrame,
    outcome: pd.DataFrame,
    lag: int,
    least: int,
    *,
    past: bool = False,
    same: bool = False,
) -> Occasions:
    """Put each outcome beside the predictor of ``lag`` occasions before.

    Parameters
    ----------
    predictor, outcome
        participant, arm, time (whole number), value.
    lag
        Occasions between the two; 0 for the same occasion.
    least
        Pairs that a participant needs.
    past
        Whether the outcome one occasion before is put beside it too, centred on the participant.
    same
        Whether the predictor of the same occasion is put beside it too, detrended. Left out, it
        would bias the slope of the earlier one: within a person the deviations of one occasion go
        against those of the others.

    Returns
    -------
    Occasions
        Rows with ``within`` (detrended) and ``between`` (centred person mean).

    Raises
    ------
    ProcessError
        When nobody has enough pairs, or the outcome's past is asked for with too few of them.

    Examples
    --------
    >>> x = pd.DataFrame({"participant": list("abc") * 6, "arm": "IPT",
    ...                   "time": np.repeat(range(1, 7), 3), "value": np.arange(18.0)})
    >>> lagged_occasions(x, x, lag=1, least=4).rows.loc[:4, "x"].tolist()
    [0.0, 3.0, 6.0, 9.0, 12.0]
    """
    earlier = predictor[["participant", "time", "value"]].rename(columns={"value": "x"})
    pairs = outcome.rename(columns={"value": "y"}).merge(
        earlier.assign(time=earlier["time"] + lag), on=["participant", "time"]
    )
    if past:
        before = outcome[["participant", "time", "value"]].rename(columns={"value": "past"})
        pairs = pairs.merge(before.assign(time=before["time"] + 1), on=["participant", "time"])
    if same:
        beside = predictor[["participant", "time", "value"]].rename(columns={"value": "same"})
        pairs = pairs.merge(beside, on=["participant", "time"])
    pairs = pairs.dropna(subset=["x", "y"]).sort_values(["participant", "time"], kind="stable")
    number = pairs.groupby("participant")["time"].transform("size")
    kept = pairs[number >= least].reset_index(drop=True)
    left_out = int(outcome["participant"].nunique()) - int(kept["participant"].nunique())
    if kept["participant"].nunique() < 3:
        raise ProcessError(
            f"{kept['participant'].nunique()} participants have {least} or more pairs of "
            "occasions; at least 3 are needed. Lower the least number, or record more."
        )
    if past:
        usual = float(kept.groupby("participant").size().median())
        if usual < ENOUGH:
            raise ProcessError(
                f"the outcome's own past, centred on the participant, at {usual:g} occasions "
                f"(fewer than {ENOUGH}) would give biased estimates (Nickell). Take "
                "previous_outcome out, or ask for cross_lagged: a random-intercept cross-lagged "
                "panel model has no such bias."
            )
        kept["past"] = kept["past"] - kept.groupby("participant")["past"].transform("mean")
    mean = kept.groupby("participant")["x"].transform("mean")
    kept["between"] = mean - float(kept.groupby("participant")["x"].mean().mean())
    kept["within"] = detrended(kept["participant"], kept["time"], kept["x"])
    if same:
        kept["same"] = detrended(kept["participant"], kept["time"], kept["same"])
    return Occasions(kept, left_out)


def detrended(participant: pd.Series, time: pd.Series, x: pd.Series) -> pd.Series:
    """Return what is left of x after each participant's own straight line in time.

    Parameters
    ----------
    participant, time, x
        Columns of equal length.

    Examples
    --------
    >>> who, when = pd.Series(["a"] * 4), pd.Series([1, 2, 3, 4])
    >>> detrended(who, when, pd.Series([1.0, 3.0, 5.0, 7.0])).abs().max().round(9)
    np.float64(0.0)
    """
    t = time.astype(float) - time.astype(float).groupby(participant).transform("mean")
    centred = x - x.groupby(participant).transform("mean")
    slope = (t * centred).groupby(participant).transform("sum") / (t * t).groupby(
        participant
    ).transform("sum").replace(0.0, np.nan)
    return (centred - slope.fillna(0.0) * t).rename("within")


def fit_within_between(
    occasions: Occasions, *, random_within: bool, level: float, autoregressive: bool = True
) -> MixedModelFit:
    """Fit the model.

    Parameters
    ----------
    occasions
        Rows of :func:`lagged_occasions`.
    random_within
        Whether persons differ in their within-person slope (instead of in their trend in time).
    level
        Level of the intervals.
    autoregressive
        Whether residuals of neighbouring occasions are correlated.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted.
    """
    from ipt_outcomes.mixed import mixed_model

    rows = occasions.rows.assign(
        time=occasions.rows["time"].astype(float), occasion=occasions.rows["time"].astype(int)
    )
    trend = "arm*time" if rows["arm"].drop_duplicates().size > 1 else "time"
    terms = [trend, "within"]
    if float(rows["between"].abs().max()) > 1e-9:
        terms.append("between")
    terms += [name for name in ("past", "same") if name in rows]
    return mixed_model(
        "y ~ " + " + ".join(terms),
        rows,
        participant="participant",
        visit="occasion",
        random="1 + within" if random_within else "1 + time",
        covariance="autoregressive" if autoregressive else "independent",
        df="satterthwaite",
        level=level,
        fallback=["independent"],
    )
