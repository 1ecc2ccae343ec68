"""What was fitted: the estimates of the covariance, the likelihood and the counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .aliasing import Aliasing
from .composition import RandomPlusResidual
from .design import Design
from .errors import MixedModelError
from .factors import Floats, level_label
from .layout import Layout
from .likelihood import Likelihood, Point
from .optimise import Convergence
from .prepare import Prepared
from .specification import Specification
from .tests_of_fixed_effects import FixedEffects


@dataclass
class FittedModel:
    """The maximum of the likelihood and what it was reached with.

    Attributes
    ----------
    specification
        The call.
    covariance_used
        The covariance that converged: the one asked for, or a later one of the fall-back sequence.
    steps
        Every covariance tried, with what happened.
    notes
        What the reader must know: levels left out, aliased coefficients, boundaries.
    convergence
        Gradient, curvature and iterations.
    """

    specification: Specification
    prepared: Prepared
    likelihood: Likelihood
    point: Point
    convergence: Convergence
    fixed: FixedEffects
    covariance_used: str
    steps: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    _grids: dict[Any, tuple[list[tuple[Any, ...]], Floats]] = field(
        default_factory=dict, repr=False
    )

    # --- what was fitted -----------------------------------------------------------------------

    @property
    def design(self) -> Design:
        """The fixed effects."""
        return self.prepared.design

    @property
    def layout(self) -> Layout:
        """The analysed rows by participant and visit."""
        return self.prepared.layout

    @property
    def aliasing(self) -> Aliasing:
        """Which coefficients are estimated."""
        return self.prepared.aliasing

    def need_rows(self, what: str) -> None:
        """Refuse what needs the participants' rows when the model was fitted from a stream."""
        if self.prepared.streamed:
            raise MixedModelError(
                f"{what} needs the participants' rows, which a streamed fit does not keep; use "
                "mixed_model on a data frame."
            )

    @property
    def loglik(self) -> float:
        """(Restricted) log-likelihood at the maximum."""
        return -self.point.f

    @property
    def n_parameters(self) -> int:
        """Parameters that the information criteria count.

        Covariance parameters, and under full maximum likelihood the fixed effects too (as SAS).
        """
        own = self.likelihood.parameters
        return own if self.specification.reml else own + len(self.aliasing.kept)

    @property
    def aic(self) -> float:
        """Akaike's criterion, −2 log-likelihood + 2 k (see ``n_parameters``)."""
        return 2 * self.n_parameters - 2 * self.loglik

    @property
    def aicc(self) -> float:
        """Akaike's criterion with the small-sample correction of Hurvich & Tsai (1989), as SAS."""
        k = self.n_parameters
        n = self.n_observations - (len(self.aliasing.kept) if self.specification.reml else 0)
        return -2 * self.loglik + 2 * k * n / max(n - k - 1, 1e-12) if n > k + 1 else float("inf")

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the number of participants, as mmrm and SAS."""
        return float(self.n_parameters * np.log(self.n_participants) - 2 * self.loglik)

    @property
    def n_observations(self) -> int:
        """Observations in the likelihood."""
        return int(self.layout.counts["rows analysed"])

    @property
    def n_participants(self) -> int:
        """Participants with at least one analysed observation."""
        return len(self.layout.participants)

    @property
    def counts(self) -> dict[str, int]:
        """Rows and participants read, excluded by reason, and analysed."""
        return dict(self.layout.counts)

    @property
    def aliased(self) -> list[str]:
        """Names of the coefficients that the data cannot estimate."""
        return [self.design.names[j] for j in self.aliasing.dropped]

    @cached_property
    def covariance(self) -> pd.DataFrame | dict[str, pd.DataFrame]:
        """Covariance of the visits (of the residuals, beside random effects), by group if asked."""
        structure = self.likelihood.structure
        theta = self.point.theta[: structure.parameters]
        if isinstance(structure, RandomPlusResidual):
            return self._by_group(structure.residual.sigma(theta[structure.n_random :]))
        return self._by_group(structure.sigma(theta))

    @cached_property
    def marginal_covariance(self) -> pd.DataFrame | dict[str, pd.DataFrame]:
        """Covariance of the visits of a participant, random effects of participants included."""
        return self._by_group(self.point.sigma)

    def _by_group(self, matrices: Floats) -> pd.DataFrame | dict[str, pd.DataFrame]:
        labels = [level_label(v) for v in self.layout.visits]
        tables = {}
        for g, name in enumerate(self.prepared.groups):
            own = matrices if len(matrices) == 1 else matrices[self.prepared.group_of_set == g]
            if not np.allclose(own, own[:1], rtol=1e-12, atol=0.0):
                raise MixedModelError(
                    "participants have times of their own, so that there is no common covariance "
                    "of the visits; see variance_components."
                )
            tables[name] = pd.DataFrame(own[0], index=labels, columns=labels)
        return tables if self.specification.covariance_by else tables[""]

    @cached_property
    def random_covariance(self) -> pd.DataFrame | None:
        """Covariance of the participants' random effects, ``None`` without any."""
        structure = self.likelihood.structure
        if not isinstance(structure, RandomPlusResidual):
            return None
        G = structure.random_covariance(self.point.theta)
        return pd.DataFrame(G, index=structure.effects, columns=structure.effects)

    @cached_property
    def variance_components(self) -> pd.DataFrame:
        """Parameters of the covariance: parameter, estimate, se (from the information used)."""
        se = np.sqrt(np.maximum(np.diag(self.fixed.omega), 0.0))
        return pd.DataFrame(
            {"parameter": self.likelihood.names, "estimate": self.point.theta, "se": se}
        )

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients that the standard errors come from."""
        full = np.full((len(self.design.columns),) * 2, np.nan)
        full[np.ix_(self.aliasing.kept, self.aliasing.kept)] = self.fixed.vcov
        return pd.DataFrame(full, index=self.design.names, columns=self.design.names)

    @cached_property
    def beta(self) -> Floats:
        """Coefficients in the order of the design, missing where aliased."""
        full = np.full(len(self.design.columns), np.nan)
        full[self.aliasing.kept] = self.fixed.beta
        return full
