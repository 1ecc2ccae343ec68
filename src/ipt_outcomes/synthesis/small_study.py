r"""Whether small trials report larger effects: regression tests, only where they mean something.

With fewer than ten trials no test is given, and none on a scale on which effect and standard error
are tied together by construction:

* **g**: the standard error contains g itself, so Egger's regression on it finds asymmetry where
  none is. The effects are regressed on √(1/n1 + 1/n2), which does not (Pustejovsky & Rodgers
  2019), with the model of the analysis: Hartung–Knapp for one row per trial, CR2 on the CHE
  working model for several (the "Egger sandwich", Rodgers & Pustejovsky 2021);
* **mean differences, log hazard ratios**: regressed on their standard error in the same models;
* **odds and risk ratios**: Peters' test, log OR on 1/N weighted by S F/N (events S, non-events F,
  participants N), or Harbord's, Z/√V on √V with the score Z and its variance V; both on the odds
  ratio of the tables, whatever ratio is pooled, each trial once;
* **risk differences**: refused, there is no test on this scale.

Asymmetry may have other causes than unpublished trials.

Sources: Sterne et al. (2011), BMJ 343:d4002; Pustejovsky & Rodgers (2019), Research Synthesis
Methods 10:57; Rodgers & Pustejovsky (2021), Psychological Methods 26:141; Peters et al. (2006),
JAMA 295:676; Harbord, Egger & Sterne (2006), Statistics in Medicine 25:3443.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ipt_outcomes.synthesis.binary import binary_effects
from ipt_outcomes.synthesis.effects import Effects, Floats
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.inference import Estimate, infer
from ipt_outcomes.synthesis.pooling import random_effects
from ipt_outcomes.synthesis.robust import robust

FEWEST_TRIALS = 10
PREDICTOR = "small-study predictor"

BinaryTest = Literal["peters", "harbord"]


@dataclass(frozen=True)
class SmallStudyTest:
    """A test for small-study effects.

    Parameters
    ----------
    slope
        The coefficient that is tested: its size, error and p-value.
    test
        Name of the test.
    predictor
        What the effects were regressed on.
    trials
        Number of trials.
    notes
        What a reader must know.
    """

    slope: Estimate
    test: str
    predictor: str
    trials: int
    notes: tuple[str, ...] = ()


def small_study_test(
    effects: Effects,
    *,
    binary: BinaryTest = "peters",
    correlation: float = 0.6,
    level: float = 0.95,
) -> SmallStudyTest:
    """Test for small-study effects by the method that fits the measure.

    Parameters
    ----------
    effects
        The effects.
    binary
        Test for ratios.
    correlation
        ρ of the working model for several rows of a trial.
    level
        Level of the interval of the slope.

    Raises
    ------
    SynthesisError
        With fewer than ten trials, for risk differences, for g without numbers of participants
        and for ratios without the tables of events.
    """
    if effects.measure == "rd":
        raise SynthesisError("there is no sound test for small-study effects on risk differences; "
                             "test the risk or odds ratios instead.")  # fmt: skip
    if effects.measure in ("log rr", "log or"):
        return _binary(effects, binary, level)
    effects, predictor, words = _continuous(effects)
    _enough(effects)
    with_predictor = replace(
        effects, moderators=effects.moderators.assign(**{PREDICTOR: predictor})
    )
    if effects.dependent:
        fit = robust(with_predictor, correlation=correlation, moderators=[PREDICTOR], level=level)
        slope, test = fit.coefficients[1], "Egger-type regression, CR2"
    else:
        one = random_effects(with_predictor, moderators=[PREDICTOR], level=level)
        slope, test = one.coefficients[1], "Egger-type regression, Hartung–Knapp"
    slope = replace(slope, name=words)
    return SmallStudyTest(slope, test, words, len(effects.trials), effects.notes)


def _continuous(effects: Effects) -> tuple[Effects, Floats, str]:
    if effects.measure in ("md", "log hr"):
        return effects, np.sqrt(effects.variance), "standard error"
    known = effects.rows["n_arm"].notna() & effects.rows["n_reference"].notna()
    effects = effects.select(known, "numbers of participants not known")
    sizes = 1 / effects.rows["n_arm"] + 1 / effects.rows["n_reference"]
    return effects, np.sqrt(sizes.to_numpy()), "√(1/n1 + 1/n2)"


def _enough(effects: Effects) -> None:
    trials = len(effects.trials)
    if trials < FEWEST_TRIALS:
        raise SynthesisError(
            f"{trials} trials are too few for a test of small-study effects: with fewer than "
            f"{FEWEST_TRIALS} it would almost never find what is there"
        )


def _binary(effects: Effects, test: BinaryTest, level: float) -> SmallStudyTest:
    cells = ["events_arm", "total_arm", "events_reference", "total_reference"]
    known = effects.rows[cells].notna().all(axis=1)
    effects = effects.select(known, "events not known")
    a, n1, c, n2 = (effects.rows[name].to_numpy() for name in cells)
    S, N = a + c, n1 + n2
    F = N - S
    informative = (S > 0) & (F > 0)
    effects = effects.select(informative, "nobody or everybody had the event")
    if effects.dependent:
        raise SynthesisError("Peters' and Harbord's tests need one table of events per trial; "
                             "choose one with effects.select.")  # fmt: skip
    _enough(effects)
    a, n1, c, n2, S, N, F = (x[informative] for x in (a, n1, c, n2, S, N, F))
    if test == "peters":
        log_or = binary_effects("log or", a, n1, c, n2).estimate
        slope = _least_squares(log_or, 1 / N, S * F / N, "1/N", 1, level)
        return SmallStudyTest(slope, "Peters' test", "1/N", len(effects), effects.notes)
    Z = a - S * n1 / N
    V = n1 * n2 * S * F / (N**2 * (N - 1))
    bias = _least_squares(Z / np.sqrt(V), np.sqrt(V), np.ones(len(Z)), "intercept", 0, level)
    return SmallStudyTest(bias, "Harbord's test", "1/√V", len(effects), effects.notes)


def _least_squares(
    y: Floats, x: Floats, weights: Floats, name: str, which: int, level: float
) -> Estimate:
    X = np.column_stack([np.ones(len(y)), x])
    root = np.sqrt(weights)[:, None]
    # Solved with columns of unit length: 1/N is tiny beside the intercept.
    lengths = np.linalg.norm(root * X, axis=0)
    scaled = root * X / lengths
    M = np.linalg.inv(scaled.T @ scaled)
    beta = M @ (scaled.T @ (root[:, 0] * y))
    df = len(y) - 2
    s2 = float(np.sum((root[:, 0] * y - scaled @ beta) ** 2)) / df
    se = np.sqrt(s2 * np.diag(M)) / lengths
    return infer(name, float((beta / lengths)[which]), float(se[which]), df, level)
