"""Gaussian mixed models for repeated measures, with small-sample inference.

``mixed_model`` fits; the fit gives coefficients, adjusted means, contrasts and tests as data
frames. The engine knows nothing of any particular kind of trial.
"""

from .comparison import likelihood_ratio_test
from .errors import ConvergenceError, DesignError, MixedModelError
from .fit import MixedModelFit
from .model import mixed_model
from .panel import cross_lagged_panel
from .panel_fit import PanelFit
from .record import record_of, reopen
from .refit import Refits
from .streamed_model import mixed_model_from_parquet

__all__ = [
    "ConvergenceError",
    "DesignError",
    "MixedModelError",
    "MixedModelFit",
    "PanelFit",
    "Refits",
    "cross_lagged_panel",
    "likelihood_ratio_test",
    "mixed_model",
    "mixed_model_from_parquet",
    "record_of",
    "reopen",
]
