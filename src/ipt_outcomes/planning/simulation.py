"""Simulate the trials of a design and analyse each as the real one will be.

The analysis is the primary analysis of the workflow: the mixed model for repeated measures

    score ~ baseline × visit + arm × visit ,   unstructured covariance, REML, Kenward-Roger df,

fitted to all trials of a portion at once (:mod:`ipt_outcomes.mixed.batch_inference`). With
therapists modelled, each trial is fitted on its own, with a therapist slope in the arms that have
therapists. Trials are drawn in portions of fixed size, each with a random stream of its own, so
that neither the number of processes nor the machine that takes a portion changes any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.mixed import MixedModelError, mixed_model
from ipt_outcomes.mixed.batch_inference import stack_of, unstructured_row
from ipt_outcomes.planning.design import PlannedTrial
from ipt_outcomes.planning.drawing import DrawnTrials, draw_trials

PORTION = 250
"""Trials per portion."""

Truth = Literal["effect", "none"]
STREAMS: dict[Truth, int] = {"effect": 0, "none": 1}

COLUMNS = ("truth", "trial", "estimate", "se", "df", "lower", "upper", "p", "n_arm", "n_reference")
"""Columns of the simulated results: one row per trial."""


Runner = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


@contextmanager
def at_the_same_time(processes: int) -> Iterator[Runner]:
    """Give a ``map`` that works off several portions at the same time.

    Parameters
    ----------
    processes
        How many; 1 stays in this process.
    """
    if processes <= 1:
        yield map
        return
    # Spawned, not forked: a fork of a process whose BLAS has threads can hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield pool.map


def portions_of(design: PlannedTrial) -> int:
    """Return into how many portions the trials of a design are split."""
    return -(-design.trials // PORTION)


def simulate_trials(
    design: PlannedTrial,
    truth: Truth = "effect",
    *,
    run: Runner = map,
    portions: Sequence[int] | None = None,
    seed_of_size: int = 0,
) -> pd.DataFrame:
    """Simulate and analyse the trials of a design.

    Parameters
    ----------
    design
        The trial to come.
    truth
        ``"effect"``: the design's difference; ``"none"``: no difference, for the type I error.
    run
        What works the portions off: ``map``, or that of :func:`at_the_same_time`.
    portions
        Which portions; all by default.
    seed_of_size
        Separates the streams of the sample sizes that a search tries.

    Returns
    -------
    pandas.DataFrame
        One row per trial, columns :data:`COLUMNS`; numbers are missing where no model converged.

    Examples
    --------
    >>> from ipt_outcomes.planning.design import EXAMPLE
    >>> design = PlannedTrial.model_validate({**EXAMPLE, "trials": 100})
    >>> len(simulate_trials(design))
    100
    """
    wanted = list(range(portions_of(design)) if portions is None else portions)
    jobs = [(design, truth, portion, seed_of_size) for portion in wanted]
    pieces: list[pd.DataFrame] = list(run(_portion, jobs))
    return pd.concat(pieces, ignore_index=True)


def _portion(job: tuple[PlannedTrial, Truth, int, int]) -> pd.DataFrame:
    design, truth, portion, size = job
    key = (STREAMS[truth], size, portion)
    rng = np.random.default_rng(np.random.SeedSequence(design.seed, spawn_key=key))
    # The last portion draws as many as the others, so that more trials never change earlier ones.
    drawn = draw_trials(design if truth == "effect" else design.without_effect(), PORTION, rng)
    trials = min(PORTION, design.trials - portion * PORTION)
    drawn = DrawnTrials(drawn.arm, drawn.therapist[:trials], drawn.scores[:trials])
    modelled = design.therapists is not None and design.therapists.analysis == "modelled"
    found = one_by_one(design, drawn) if modelled else _together(design, drawn)
    estimate, se, df = found.T
    half = stats.t.ppf(0.5 + design.level / 2, df) * se
    names = list(design.arms)
    at = ~np.isnan(drawn.scores[:, :, design.endpoint_index])
    seen = [at[:, drawn.arm == names.index(arm)].sum(1) for arm in design.compare]
    return pd.DataFrame(
        {
            "truth": truth,
            "trial": portion * PORTION + np.arange(trials),
            "estimate": estimate,
            "se": se,
            "df": df,
            "lower": estimate - half,
            "upper": estimate + half,
            "p": 2 * stats.t.sf(np.abs(estimate / se), df),
            "n_arm": seen[0],
            "n_reference": seen[1],
        }
    )


def _together(design: PlannedTrial, drawn: DrawnTrials) -> np.ndarray:
    """Fit all trials at once; return estimate, se and df, shape (R, 3)."""
    names = list(design.arms)
    interest, other = (names.index(arm) for arm in design.compare)
    others = [a for a in range(len(names)) if a != other]
    trials, n = drawn.baseline.shape
    # Centred at what is expected, so that no digit is lost to the size of the scores.
    means = np.array(design.arms[design.compare[1]].means)
    columns = [np.ones((trials, n)), drawn.baseline - means[0]]
    columns += [np.broadcast_to((drawn.arm == a).astype(float), (trials, n)) for a in others]
    stack = stack_of(np.stack(columns, 2), drawn.later - means[1:])
    d, visits = len(columns), len(design.later_visits)
    row = np.zeros(d * visits)
    row[(design.endpoint_index - 1) * d + 2 + others.index(interest)] = 1.0
    found = unstructured_row(stack, row, design.residual_covariance)
    return np.column_stack([found.estimate, found.se, found.df])


def one_by_one(design: PlannedTrial, drawn: DrawnTrials) -> np.ndarray:
    """Fit every trial with a therapist slope; return estimate, se and df, shape (R, 3).

    Parameters
    ----------
    design
        The trial to come, with therapists.
    drawn
        Its trials.
    """
    names = np.array(list(design.arms))
    treated = [name for name, arm in design.arms.items() if arm.psychotherapy]
    weeks = [week for name, week in design.visits.items() if name in design.later_visits]
    interest, other = design.compare
    n, visits = drawn.later.shape[1:]
    out = np.full((len(drawn.scores), 3), np.nan)
    for r, scores in enumerate(drawn.later):
        frame = pd.DataFrame(
            {
                "participant": np.repeat(np.arange(n), visits),
                "week": np.tile(weeks, n),
                "arm": np.repeat(names[drawn.arm], visits),
                "therapist": np.repeat([f"T{t}" for t in drawn.therapist[r]], visits),
                "baseline": np.repeat(drawn.baseline[r], visits),
                "score": scores.ravel(),
            }
        )
        try:
            fit = mixed_model(
                "score ~ baseline*week + arm*week",
                frame[frame["score"].notna()],
                participant="participant",
                visit="week",
                reference={"arm": other},
                cluster="therapist",
                cluster_where=" or ".join(f"arm == {name!r}" for name in treated),
                cluster_effect="slope",
            )
        except MixedModelError:
            continue
        table = fit.contrasts("arm", by="week", reference=other)
        row = table[
            (table["arm"] == interest) & (table["week"] == weeks[design.endpoint_index - 1])
        ]
        out[r] = row[["estimate", "se", "df"]].to_numpy(float)[0]
    return out
