"""Impute: complete the scores of every draw under the strategies of the participants.

Given the draw's (β, Σ), a participant's strategy names the mean m and covariance C of all their
scores; with o the visits observed and u those missing,

    y_u | y_o  ~  N( m_u + C_uo C_oo⁻¹ (y_o − m_o) ,  C_uu − C_uo C_oo⁻¹ C_ou ) .

Conditional-mean imputation takes the mean, the random methods draw. Observed scores stay as they
are, also those after an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.mixed.threads import single_threaded

from .drawing import Draws
from .errors import ImputationError, listed
from .incomplete import Floats, IncompleteTrial, Strategies
from .strategies import Distribution

BLOCK = 8_000_000  # numbers held at once per array


@dataclass(frozen=True)
class Block:
    """Some of the completed data sets.

    Attributes
    ----------
    values
        Scores (R, N, T), complete.
    weights
        How often each row counts (R, N), or ``None``.
    rows
        Which participant stands in each row (R, N), or ``None`` when they stand in their order.
    """

    values: Floats
    weights: Floats | None
    rows: NDArray[np.int64] | None


@dataclass(frozen=True)
class Imputed:
    """The completed data sets of all draws, made block by block when they are asked for.

    Attributes
    ----------
    draws
        Parameters.
    trial
        The trial with the strategies used.
    """

    draws: Draws
    trial: IncompleteTrial

    def __len__(self) -> int:
        return len(self.draws) * self.draws.per_draw

    @cached_property
    def design(self) -> Design:
        """Rows of the model under the own and the reference arm."""
        return Design.of(self.draws, self.trial)

    def blocks(self) -> Iterator[Block]:
        """Yield the completed data sets; asked twice, they are the same."""
        if self._small is not None:
            yield from self._small
        else:
            yield from self._make()

    @cached_property
    def _small(self) -> list[Block] | None:
        N, T = self.trial.y.shape
        return list(self._make()) if len(self) * N * T <= BLOCK else None

    def _make(self) -> Iterator[Block]:
        drawn, (N, T) = self.draws, self.trial.y.shape
        rng = None if drawn.conditional_mean else np.random.default_rng(drawn.seed)
        if drawn.resample is not None:
            assert rng is not None
            yield from self._make_resampled(rng)
            return
        step = max(1, BLOCK // (N * T))
        for begin in range(0, len(drawn), step):
            part = slice(begin, begin + step)
            with single_threaded():
                values = complete(self.design, drawn.beta[part], drawn.sigma[part], rng)
            yield Block(values, None if drawn.weights is None else drawn.weights[part], None)

    def _make_resampled(self, rng: np.random.Generator) -> Iterator[Block]:
        drawn = self.draws
        assert drawn.resample is not None
        D = drawn.per_draw
        for members, beta, sigma in zip(drawn.resample, drawn.beta, drawn.sigma, strict=True):
            with single_threaded():
                values = complete(
                    self.design.take(members),
                    np.repeat(beta[None], D, 0),
                    np.repeat(sigma[None], D, 0),
                    rng,
                )
            yield Block(values, None, np.repeat(members[None], D, 0))

    def first(self) -> pd.DataFrame:
        """Return the imputed values of the first data set, one row each.

        For conditional means these are the values under the fit to the trial itself.

        Returns
        -------
        pandas.DataFrame
            Columns participant, arm, visit, value.
        """
        values = next(iter(self.blocks())).values[0]
        who, when = np.nonzero(self.trial.missing)
        trial = self.trial
        return pd.DataFrame(
            {
                "participant": [trial.participants[i] for i in who],
                "arm": [trial.arms[trial.arm[i]] for i in who],
                "visit": [trial.visits[a] for a in when],
                "value": values[who, when],
            }
        )


def impute(draws: Draws, strategy: Strategies | IncompleteTrial | None = None) -> Imputed:
    """Complete the scores under the strategies.

    Parameters
    ----------
    draws
        Parameters of the imputation model.
    strategy
        One strategy for all events, or one per type of event, instead of those that the trial's
        events name; or the same trial with other events.

    Raises
    ------
    ImputationError
        When the other strategy would need another fit (scores after an event enter the fit under
        MAR and do not otherwise), or when a mean that is needed cannot be estimated.

    Examples
    --------
    >>> from ipt_outcomes.imputation import draws
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> imputed = impute(draws(small_trial()), "jump to reference")
    >>> imputed.first().columns.tolist()
    ['participant', 'arm', 'visit', 'value']
    """
    if isinstance(strategy, IncompleteTrial):
        trial = strategy
    else:
        trial = draws.trial if strategy is None else draws.trial.with_strategy(strategy)
    if trial.participants != draws.trial.participants or trial.visits != draws.trial.visits:
        raise ImputationError("the trial is not the one whose parameters were drawn.")
    if not np.array_equal(np.isnan(trial.modelled), np.isnan(draws.trial.modelled)):
        raise ImputationError(
            "scores were observed after events, and they enter the imputation model under MAR but "
            "under no other strategy: give the trial this strategy first "
            "(trial.with_strategy(...)), then draw."
        )
    imputed = Imputed(draws, trial)
    _require_estimable(imputed)
    return imputed


def _require_estimable(imputed: Imputed) -> None:
    trial, fit = imputed.trial, imputed.draws.fit
    if not len(fit.aliasing.dropped):
        return
    # What cannot be estimated is not a number, and stays so exactly where it is needed.
    values = complete(imputed.design, fit.beta[None], fit.point.sigma[None], None)[0]
    who, when = np.nonzero(np.isnan(values))
    if not len(who):
        return
    cells = sorted({(trial.arms[trial.arm[i]], int(a)) for i, a in zip(who, when, strict=True)},
                   key=str)  # fmt: skip
    findings = []
    for arm, a in cells:
        own = [
            trial.participants[i]
            for i, b in zip(who, when, strict=True)
            if b == a and trial.arms[trial.arm[i]] == arm
        ]
        used = sorted({str(trial.starts.strategy[trial.participants.index(p)]) for p in own})
        findings.append(
            f"{arm} at {trial.visits[a]}: {len(own)} scores ({listed(own)}) are to be imputed "
            f"under {listed(used)}, but the data give no mean for this arm and visit: nobody was "
            "observed there. Use JR, CR or CIR with an event for these participants, a simpler "
            "model, or leave the visit out."
        )
    where = [f"{arm} at {trial.visits[a]}" for arm, a in cells]
    raise ImputationError(
        findings, shareable=f"the data give no mean for {listed(where)}: nobody was observed there"
    )


@dataclass(frozen=True)
class Design:
    """What imputing needs of the trial.

    Attributes
    ----------
    y
        Scores (N, T), not a number where missing.
    own, reference
        Rows of the model (N, T, p) under the own arm and under the reference arm, aliased columns
        left out.
    own_known, reference_known
        Whether these means can be estimated (N, T).
    own_set, reference_set
        Which covariance each participant has, and that of the reference arm.
    start, name
        First affected visit and strategy (N,).
    kept
        Columns of β in use.
    """

    y: Floats
    own: Floats
    reference: Floats
    own_known: NDArray[np.bool_]
    reference_known: NDArray[np.bool_]
    own_set: NDArray[np.int64]
    reference_set: int | None
    start: NDArray[np.int64]
    name: NDArray[np.object_]
    kept: NDArray[np.int64]
    trial: IncompleteTrial

    @classmethod
    def of(cls, draws: Draws, trial: IncompleteTrial) -> Design:
        """Evaluate the model's rows for every participant and visit."""
        fit, (N, T) = draws.fit, trial.y.shape
        arm = trial.names["arm"]

        def rows(frame: pd.DataFrame) -> tuple[Floats, NDArray[np.bool_]]:
            full = fit.design.rows({str(c): frame[c] for c in frame.columns}, N * T)
            known = fit.aliasing.estimable(full).reshape(N, T)
            return np.ascontiguousarray(full[:, fit.aliasing.kept]).reshape(N, T, -1), known

        own, own_known = rows(trial.grid)
        reference, reference_known, reference_set = own, own_known, None
        sets = np.zeros(len(trial.arms), np.int64)
        if trial.covariance_by_arm:
            position = {name: g for g, name in enumerate(fit.prepared.groups)}
            sets = np.array([position[str(a)] for a in trial.arms])
        if trial.reference is not None:
            same = pd.Series([trial.reference] * (N * T), index=trial.grid.index)
            same = same.astype(trial.grid[arm].dtype)
            reference, reference_known = rows(trial.grid.assign(**{arm: same}))
            reference_set = int(sets[trial.arms.index(trial.reference)])
        return cls(
            trial.y, own, reference, own_known, reference_known, sets[trial.arm], reference_set,
            trial.starts.start, trial.starts.strategy, fit.aliasing.kept, trial,
        )  # fmt: skip

    def take(self, members: NDArray[np.int64]) -> Design:
        """Return the design of some participants, each as often as named."""
        return Design(
            self.y[members], self.own[members], self.reference[members], self.own_known[members],
            self.reference_known[members], self.own_set[members], self.reference_set,
            self.start[members], self.name[members], self.kept, self.trial,
        )  # fmt: skip

    def groups(self) -> Iterator[NDArray[np.int64]]:
        """Yield the incomplete participants who share pattern, covariance, event and strategy."""
        seen = np.isfinite(self.y)
        names, code = np.unique(self.name.astype(str), return_inverse=True)
        del names
        keys = np.column_stack([seen, self.own_set, self.start, code]).astype(np.int64)
        incomplete = np.flatnonzero(~seen.all(1))
        if not len(incomplete):
            return
        _, member = np.unique(keys[incomplete], axis=0, return_inverse=True)
        order = np.argsort(member.ravel(), kind="stable")
        cuts = np.flatnonzero(np.diff(member.ravel()[order])) + 1
        yield from np.split(incomplete[order], cuts)


def complete(
    design: Design, beta: Floats, sigma: Floats, rng: np.random.Generator | None
) -> Floats:
    """Return complete scores (R, N, T): conditional means, or random when ``rng`` is given."""
    N, T = design.y.shape
    R = len(beta)
    b = np.ascontiguousarray(beta[:, design.kept].T)
    values = np.broadcast_to(design.y, (R, N, T)).copy()
    # All strategies use the same random numbers: differences between them are then not random.
    noise = None if rng is None else rng.standard_normal((R, N, T))

    def means(rows: Floats, known: NDArray[np.bool_]) -> Floats:
        n = len(rows)
        out = (rows.reshape(n * T, -1) @ b).T.reshape(R, n, T)
        return out if known.all() else np.where(known, out, np.nan)

    for who in design.groups():
        name, start = str(design.name[who[0]]), int(design.start[who[0]])
        own_cov = sigma[:, design.own_set[who[0]]]
        own = Distribution(means(design.own[who], design.own_known[who]), own_cov)
        if name == "MAR" or start >= T:
            assumed = own
        else:
            reference = own
            if design.reference_set is not None:
                same = design.reference_set == design.own_set[who[0]]
                reference = Distribution(
                    means(design.reference[who], design.reference_known[who]),
                    own_cov if same else sigma[:, design.reference_set],
                )
            assumed = design.trial.strategy_of(name)(own, reference, start)
            _require_shape(assumed, (R, len(who), T), name)
        o = np.isfinite(design.y[who[0]])
        values[:, who[:, None], np.flatnonzero(~o)] = _conditional(
            assumed, design.y[who], o, None if noise is None else noise[:, who]
        )
    return values


def _conditional(
    assumed: Distribution, y: Floats, o: NDArray[np.bool_], noise: Floats | None
) -> Floats:
    u = ~o
    C, out = assumed.covariance, assumed.mean[:, :, u]
    spread = C[:, u][:, :, u]
    if o.any():
        later = C[:, o][:, :, u]
        K = np.linalg.solve(C[:, o][:, :, o], later)
        out = out + (y[:, o] - assumed.mean[:, :, o]) @ K
        spread = spread - later.transpose(0, 2, 1) @ K
    if noise is None:
        return out
    root = np.linalg.cholesky(0.5 * (spread + spread.transpose(0, 2, 1)))
    return np.asarray(out + noise[:, :, u] @ root.transpose(0, 2, 1))


def _require_shape(found: Distribution, shape: tuple[int, ...], name: str) -> None:
    R, _, T = shape
    if found.mean.shape != shape or found.covariance.shape != (R, T, T):
        raise ImputationError(
            f"the strategy {name!r} returned means {found.mean.shape} and covariances "
            f"{found.covariance.shape}; expected {shape} and {(R, T, T)}."
        )
