"""Gaussian mixed models for repeated measures, with small-sample inference.

``mixed_model`` fits; the fit gives coefficients, adjusted means, contrasts and tests as data
frames. The engine knows nothing of any particular kind of trial.
"""

from .errors import ConvergenceError, DesignError, MixedModelError
from .fit import MixedModelFit
from .model import mixed_model

__all__ = ["ConvergenceError", "DesignError", "MixedModelError", "MixedModelFit", "mixed_model"]
