"""An incomplete trial: who was seen when, what happened to them, and the model for their scores.

The imputation model is a mixed model for repeated measures: for participant i and visit a
y_ia = x_ia'β + e_ia with Var(e_i) = Σ, one Σ for all arms or one each. Scores after an event that
has a strategy other than MAR do not enter its fit (they belong to another mean), but they are kept
as observed in every analysis and the missing ones around them are imputed given them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.mixed.formula import parse_formula
from ipt_outcomes.mixed.layout import visit_order

from .errors import ImputationError, listed
from .events import Starts, decided, find_starts
from .strategies import NEEDS_REFERENCE, STRATEGIES, Strategy, strategy_name

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Strategies = str | Strategy | Mapping[str, str | Strategy]
"""One strategy for all events, or one per type of event."""


@dataclass(frozen=True)
class IncompleteTrial:
    """Scores of N participants at T visits, with gaps.

    Attributes
    ----------
    formula
        The imputation model.
    names
        Columns of the data by role: participant, visit, arm, outcome.
    participants, visits, arms
        Labels; the arms begin with the one that the others are compared with.
    reference
        The reference arm of JR, CR and CIR, or ``None``.
    arm
        Each participant's arm as its position in ``arms``, shape (N,).
    y
        Scores (N, T), not a number where missing.
    starts
        First affected visit and strategy per participant.
    grid
        One row per participant and visit: the identifying columns and the covariates.
    own
        The user's own strategies by name.
    covariance
        Covariance of the visits.
    covariance_by_arm
        Whether each arm has a covariance of its own.
    """

    formula: str
    names: Mapping[str, str]
    participants: list[Any]
    visits: list[Any]
    arms: list[Any]
    reference: Any | None
    arm: Codes
    y: Floats
    starts: Starts
    grid: pd.DataFrame
    own: Mapping[str, Strategy] = field(default_factory=dict)
    covariance: str = "unstructured"
    covariance_by_arm: bool = False

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which scores are imputed, shape (N, T)."""
        return np.isnan(self.y)

    @property
    def after_event(self) -> NDArray[np.bool_]:
        """Which visits lie after the participant's event, shape (N, T)."""
        return np.arange(len(self.visits))[None, :] >= self.starts.start[:, None]

    @property
    def modelled(self) -> Floats:
        """Scores that enter the fit: none after an event with a strategy other than MAR."""
        other = (self.starts.strategy != "MAR")[:, None] & self.after_event
        return np.where(other, np.nan, self.y)

    def strategy_of(self, name: str) -> Strategy:
        """Return a strategy by its name, the user's own first."""
        return self.own[name] if name in self.own else STRATEGIES[name]

    def with_strategy(self, strategy: Strategies) -> IncompleteTrial:
        """Return the trial with other strategies for its events.

        Parameters
        ----------
        strategy
            One for all events, or one per type of event (types that are not named keep theirs).

        Raises
        ------
        ImputationError
            When there is no such strategy or type of event, or a strategy needs a reference arm
            and there is none.

        Examples
        --------
        >>> from ipt_outcomes.imputation.example import small_trial
        >>> trial = small_trial().with_strategy({"no benefit": "JR", "moved away": "MAR"})
        >>> sorted(set(trial.starts.strategy.tolist()))
        ['JR', 'MAR']
        """
        own = dict(self.own)

        def name_of(one: str | Strategy) -> str:
            if not callable(one):
                return strategy_name(one, own)
            name = str(getattr(one, "__name__", "own strategy"))
            own[name] = one
            return name

        events = self.starts.events
        if isinstance(strategy, Mapping):
            known = sorted({event.kind for event in events if event.kind})
            wrong = [kind for kind in strategy if kind not in known]
            if wrong:
                raise ImputationError(
                    f"no event is of the type {listed(wrong)}; types of the events are "
                    f"{listed(known, 20) or 'not given (a column type)'}."
                )
            by_kind = {kind: name_of(one) for kind, one in strategy.items()}
            names = [by_kind.get(event.kind, event.strategy) for event in events]
        else:
            names = [name_of(strategy)] * len(events)
        _require_reference(set(names), self.reference, self.arms)
        changed = [replace(e, strategy=name) for e, name in zip(events, names, strict=True)]
        return replace(self, own=own, starts=decided(changed, self.participants, self.visits))

    def with_events(self, events: pd.DataFrame) -> IncompleteTrial:
        """Return the trial with other events.

        Parameters
        ----------
        events
            Participant, strategy, the first visit affected, and type, see
            :func:`.events.find_starts`.

        Raises
        ------
        ImputationError
            With every row that cannot be understood, or when a strategy needs a reference arm.
        """
        starts = find_starts(events, self.participants, self.visits, own=self.own)
        _require_reference(set(starts.strategy.tolist()), self.reference, self.arms)
        return replace(self, starts=starts)

    def covariates(self) -> pd.DataFrame:
        """Return the participants' own covariates, one row each, without arm and visit."""
        identifying = set(self.names.values())
        rows = self.grid.iloc[:: len(self.visits)]
        columns = [c for c in self.grid.columns if c not in identifying]
        return rows[columns].reset_index(drop=True)


def incomplete_trial(
    frame: pd.DataFrame,
    formula: str,
    *,
    participant: str,
    visit: str,
    arm: str,
    reference: Any | None = None,
    compared_with: Any | None = None,
    events: pd.DataFrame | None = None,
    visit_days: Mapping[Any, float] | None = None,
    strategies: Mapping[str, Strategy] | None = None,
    covariance: str = "unstructured",
    covariance_by_arm: bool = False,
) -> IncompleteTrial:
    """Lay out a trial with missing scores.

    Parameters
    ----------
    frame
        Long data, a row per participant and visit. Rows may be absent for missed visits as long
        as the covariates do not vary within participants. Participants without any score belong
        here too: they are imputed from arm and covariates.
    formula
        The imputation model, ``"change ~ baseline*week + arm*week"``.
    participant, visit, arm
        Names of the columns.
    reference
        Reference arm of JR, CR and CIR; leave out when no arm can be one (two active arms).
    compared_with
        Arm that analyses compare the others with; the reference arm when left out.
    events
        Intercurrent events, see :func:`.events.find_starts`.
    visit_days
        Day of each visit, for events given by day.
    strategies
        The user's own strategies by name, see :data:`.strategies.Strategy`.
    covariance
        Covariance of the visits in the imputation model.
    covariance_by_arm
        One covariance for all arms, or one each.

    Raises
    ------
    ImputationError
        With everything that is wrong with the data or the request.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": ["a", "a", "b", "b"], "week": [4, 8, 4, 8],
    ...     "arm": ["IPT", "IPT", "MED", "MED"], "score": [12.0, np.nan, 15.0, 14.0]})
    >>> trial = incomplete_trial(frame, "score ~ arm*week", participant="id", visit="week",
    ...                          arm="arm", reference="MED")
    >>> trial.arms, int(trial.missing.sum())
    (['MED', 'IPT'], 1)
    """
    parsed = parse_formula(formula)
    if parsed.outcome is None or not parsed.outcome_is_name:
        raise ImputationError(
            f"the formula {formula!r} must begin with the name of one outcome column."
        )
    names = {"participant": participant, "visit": visit, "arm": arm, "outcome": parsed.outcome}
    needed = list(dict.fromkeys([*names.values(), *sorted(parsed.names)]))
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ImputationError(
            f"the data lack the columns {listed(absent)}; they have {listed(frame.columns, 20)}."
        )
    if pd.api.types.is_numeric_dtype(frame[arm]):
        raise ImputationError(
            f"the arm column {arm!r} holds numbers, which a model would take for amounts: give the "
            "arms names, for instance frame[arm].map({0: 'MED', 1: 'IPT'})."
        )
    if frame[arm].isna().any():
        raise ImputationError(f"{int(frame[arm].isna().sum())} rows have no arm (column {arm!r}).")
    visits, _ = visit_order(frame[visit], visit)
    grid = _full_grid(frame[needed], names, visits)
    T = len(visits)
    participants = grid[participant].iloc[::T].tolist()
    y = grid[parsed.outcome].to_numpy(float).reshape(-1, T)
    first = reference if compared_with is None else compared_with
    arms, codes = _arms(grid[arm].iloc[::T], arm, first)
    if reference is not None and reference not in arms:
        raise ImputationError(f"the reference arm {reference!r} has no participant.")
    own = dict(strategies or {})
    starts = find_starts(events, participants, visits, visit_days, own)
    used = set(starts.strategy.tolist())
    _require_reference(used, reference, arms)
    unseen = [str(v) for v, none in zip(visits, np.isnan(y).all(0), strict=True) if none]
    if unseen:
        raise ImputationError(
            f"nobody was observed at {visit} {listed(unseen)}: nothing can be said about these "
            "visits. Leave them out of the data."
        )
    if np.isinf(y).any():
        raise ImputationError(f"{int(np.isinf(y).sum())} scores are infinite.")
    return IncompleteTrial(
        formula, names, participants, visits, arms, reference, codes, y, starts,
        grid.drop(columns=parsed.outcome), own, covariance, covariance_by_arm,
    )  # fmt: skip


def _full_grid(frame: pd.DataFrame, names: Mapping[str, str], visits: list[Any]) -> pd.DataFrame:
    """Return one row per participant and visit, covariates carried to rows that were absent."""
    participant, visit = names["participant"], names["visit"]
    findings = [
        f"{int(frame[name].isna().sum())} rows have no {what} (column {name!r})"
        for what, name in (("participant", participant), ("visit", visit))
        if frame[name].isna().any()
    ]
    if findings:
        raise ImputationError(findings)
    twice = frame[frame.duplicated([participant, visit])]
    if len(twice):
        pairs = [f"{p} at {v}" for p, v in zip(twice[participant], twice[visit], strict=True)]
        raise ImputationError(f"{len(twice)} participant-visits occur twice: {listed(pairs)}.")
    people = pd.unique(frame[participant])
    cells = pd.MultiIndex.from_product([people, visits], names=[participant, visit])
    keyed = frame.assign(**{visit: frame[visit].astype(object)}).set_index([participant, visit])
    grid = keyed.reindex(cells)
    covariates = [c for c in grid.columns if c != names["outcome"]]
    for name in covariates:
        if not grid[name].isna().any():
            continue
        own = grid[name].groupby(level=0, sort=False)
        number = own.nunique()
        if (number > 1).any():
            findings.append(
                f"column {name!r} varies within participants and lacks values at "
                f"{int(grid[name].isna().sum())} visits: give it at every visit"
            )
            continue
        filled = own.transform("first")
        if filled.isna().any():
            who = filled[filled.isna()].index.get_level_values(0).unique()
            findings.append(
                f"column {name!r} is missing for {len(who)} participants ({listed(who)}): leave "
                "them out knowingly, or impute it first (chained_equations)"
            )
            continue
        grid[name] = filled.astype(frame[name].dtype)
    if findings:
        raise ImputationError(findings)
    out = grid.reset_index()
    out[visit] = pd.Categorical(out[visit], categories=visits, ordered=True)
    return out


def _arms(column: pd.Series, name: str, first: Any | None) -> tuple[list[Any], Codes]:
    """Return the arms, the named one first, and each participant's position among them."""
    arms = sorted(pd.unique(column).tolist(), key=str)
    if first is not None:
        if first not in arms:
            raise ImputationError(
                f"the arm {first!r} has no participant; column {name!r} has {listed(arms)}."
            )
        arms = [first, *[a for a in arms if a != first]]
    place = {a: i for i, a in enumerate(arms)}
    return arms, column.map(place).to_numpy(np.int64)


def _require_reference(used: set[str], reference: Any | None, arms: list[Any]) -> None:
    wanted = sorted(used & NEEDS_REFERENCE)
    if wanted and reference is None:
        raise ImputationError(
            f"{listed(wanted)} needs a reference arm and none was named. Between two active arms "
            f"these strategies are undefined: name one of {listed(arms)} as the reference if the "
            "protocol justifies it, or use MAR, LMCF or a delta adjustment."
        )
