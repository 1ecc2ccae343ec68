r"""The truth of a simulated trial: what a perfect trial of endless size would find.

Rounding and clipping change means, and stopping treatment mixes people on and off treatment, so
the truth has no closed form. It is computed from a very large *counterfactual* sample: the same
people followed under every arm, with every score recorded, on the observed scale,

.. math::

    \theta_{ak} = \frac1N \sum_i Y_{ik}(a), \qquad
    \Delta_{ak} = \frac1N \sum_i \{Y_{ik}(a) - Y_{ik}(\text{reference})\},

for the treatment-policy estimand (scores as they came, stopped or not) and the hypothetical one
(had nobody stopped treatment). Sharing people makes the Monte-Carlo error of the differences
small. The few who receive another arm than the one randomised do so here too: it belongs to
either estimand. Each person has a therapist of their own, so that means are over all therapists
that might be met. Scores are whole numbers, so the sums are exact, whatever the machine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.simulate.course import follow
from ipt_outcomes.simulate.design import HYPOTHETICAL, TREATMENT_POLICY, TrialDesign
from ipt_outcomes.simulate.people import Integers, draw_people, draw_therapists, streams

_STREAM = 1_000_000
"""Spawn key of the counterfactual sample: far from those of the trials' own streams."""


@dataclass(frozen=True)
class Truth:
    """True values with their Monte-Carlo errors.

    Parameters
    ----------
    design, seed, people
        What was followed: design, seed and number of people.
    means
        estimand, outcome, arm, visit, estimate, standard_error, standard_deviation.
    differences
        estimand, outcome, arm, reference, visit, estimate, standard_error.
    stopping
        arm, estimate, standard_error: proportion that stops treatment before the endpoint.
    """

    design: TrialDesign
    seed: int
    people: int
    means: pd.DataFrame
    differences: pd.DataFrame
    stopping: pd.DataFrame

    def difference(self, estimand: str, outcome: str, arm: str, visit: str) -> float:
        """Look up a true difference from the reference arm, in points.

        Raises
        ------
        KeyError
            When there is no such difference.
        """
        d = self.differences
        row = d[(d.estimand == estimand) & (d.outcome == outcome) & (d.arm == arm)
                & (d.visit == visit)]  # fmt: skip
        if row.empty:
            raise KeyError((estimand, outcome, arm, visit))
        return float(row["estimate"].iloc[0])

    def as_json(self) -> dict[str, Any]:
        """Describe the truth and what it is the truth of, ready for JSON."""
        return {
            "about": (
                "True values of the SIMULATED example trial, on the observed scale, from the same "
                "people followed under every arm. treatment-policy: scores count whether or not "
                "treatment was stopped. hypothetical: had nobody stopped treatment. "
                "standard_error is the Monte-Carlo error of the true value."
            ),
            "seed": self.seed,
            "people": self.people,
            "means": _rounded(self.means),
            "differences": _rounded(self.differences),
            "stopping": _rounded(self.stopping),
            "design": asdict(self.design),
        }


def true_values(
    design: TrialDesign, seed: int, people: int = 1_000_000, chunk: int = 5_000
) -> Truth:
    """Compute the truth of a design.

    Parameters
    ----------
    design
        The trial.
    seed
        Seed of the counterfactual sample; its streams are apart from those of a trial with the
        same seed.
    people
        Number of people followed under every arm.
    chunk
        Number of people held in memory at a time; it belongs to the definition of the draws.

    Returns
    -------
    Truth
        Means and differences per estimand, outcome and visit.

    Examples
    --------
    >>> truth = true_values(TrialDesign(), seed=1, people=2000)
    >>> truth.difference("hypothetical", "hamd17", "IPT", "week_16") < 0
    True
    """
    sums = _Sums(design)
    done = 0
    while done < people:
        n = min(chunk, people - done)
        sums.add(_followed(design, np.random.SeedSequence(seed, spawn_key=(_STREAM, done)), n))
        done += n
    return Truth(design, seed, people, sums.means(), sums.differences(), sums.stopped())


def _followed(
    design: TrialDesign, seed: np.random.SeedSequence, n: int
) -> list[tuple[Integers, Integers]]:
    """Follow n people under each arm: scores (estimand, n, v, p) and who stopped (n)."""
    stream = streams(seed)
    weights = np.array([site.weight for site in design.sites])
    site = stream["randomisation"].choice(len(weights), size=n, p=weights / weights.sum())
    people = draw_people(design, site, stream)
    therapist = draw_therapists(design, n, stream["therapists"])
    followed = []
    for a in range(len(design.arms)):
        course = follow(design, people, np.full(n, a), therapist)
        scores = np.stack([course.policy, course.on_treatment]).astype(np.int64)
        followed.append((scores, (course.stop_interval < len(design.visits)).astype(np.int64)))
    return followed


class _Sums:
    """Sums and sums of squares of whole numbers, chunk by chunk."""

    def __init__(self, design: TrialDesign) -> None:
        self.design = design
        arms, visits, outcomes = len(design.arms), len(design.visits), len(design.outcomes)
        # Axis 0: sum, sum of squares. Axis 1: arm. Then estimand, visit, outcome.
        self.score = np.zeros((2, arms, 2, visits, outcomes), dtype=np.int64)
        self.difference = np.zeros_like(self.score)
        self.stops = np.zeros(arms, dtype=np.int64)
        self.n = 0

    def add(self, followed: list[tuple[Integers, Integers]]) -> None:
        reference = followed[self.design.arm_index(self.design.reference_arm)][0]
        for a, (scores, stops) in enumerate(followed):
            difference = scores - reference
            self.score[:, a] += scores.sum(axis=1), (scores**2).sum(axis=1)
            self.difference[:, a] += difference.sum(axis=1), (difference**2).sum(axis=1)
            self.stops[a] += stops.sum()
        self.n += reference.shape[1]

    def means(self) -> pd.DataFrame:
        frame = self._table(self.score)
        frame["standard_deviation"] = frame["standard_error"] * np.sqrt(self.n)
        return frame

    def differences(self) -> pd.DataFrame:
        frame = self._table(self.difference)
        frame.insert(3, "reference", self.design.reference_arm)
        return frame[frame["arm"] != self.design.reference_arm].reset_index(drop=True)

    def stopped(self) -> pd.DataFrame:
        share = self.stops / self.n
        return pd.DataFrame(
            {
                "arm": [arm.name for arm in self.design.arms],
                "estimate": share,
                "standard_error": np.sqrt(share * (1 - share) / self.n),
            }
        )

    def _table(self, sums: Integers) -> pd.DataFrame:
        mean = sums[0] / self.n
        variance = np.maximum(sums[1] / self.n - mean**2, 0) * self.n / max(self.n - 1, 1)
        rows = [
            {
                "estimand": estimand,
                "outcome": scale.name,
                "arm": arm.name,
                "visit": visit,
                "estimate": mean[a, e, k, p],
                "standard_error": np.sqrt(variance[a, e, k, p] / self.n),
            }
            for e, estimand in enumerate((TREATMENT_POLICY, HYPOTHETICAL))
            for p, scale in enumerate(self.design.outcomes)
            for a, arm in enumerate(self.design.arms)
            for k, visit in enumerate(self.design.visits)
        ]
        return pd.DataFrame(rows)


def _rounded(frame: pd.DataFrame) -> list[dict[str, Any]]:
    # Six digits: far below the Monte-Carlo error, far above the last bits of an operation.
    return [
        {str(name): round(value, 6) if isinstance(value, float) else value
         for name, value in row.items()}
        for row in frame.to_dict("records")
    ]  # fmt: skip
