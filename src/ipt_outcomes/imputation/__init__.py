"""Missing scores: multiple imputation under stated assumptions.

Four verbs: ``draws`` of the imputation model's parameters, ``impute`` under the strategies of the
participants (missing at random, jump to reference, copy reference, copy increments, last mean
carried forward, or one's own), ``analyse`` every completed data set, ``pool`` the estimates.
Around them: delta adjustment, tipping points, and chained equations for other kinds of data.
"""

from .adjustment import delta, delta_of_rows
from .analysing import Analysed, Analysis, analyse
from .chained import analyse_tables, chained_equations
from .covariance_analysis import ancova
from .drawing import Draws, draws
from .errors import ImputationError
from .events import first_missed
from .imputing import Imputed, impute
from .incomplete import IncompleteTrial, incomplete_trial
from .other_analyses import each, missing_is_no_response, responders
from .pooling import pool, rubin
from .strategies import NEEDS_REFERENCE, STRATEGIES, WORDS, Distribution, Strategy, strategy_name
from .streams import stream
from .tipping import Tipping, tipping_line, tipping_surface
from .unseen import tipping_counts

__all__ = [
    "NEEDS_REFERENCE",
    "STRATEGIES",
    "WORDS",
    "Analysed",
    "Analysis",
    "Distribution",
    "Draws",
    "ImputationError",
    "Imputed",
    "IncompleteTrial",
    "Strategy",
    "Tipping",
    "analyse",
    "analyse_tables",
    "ancova",
    "chained_equations",
    "delta",
    "delta_of_rows",
    "draws",
    "each",
    "first_missed",
    "impute",
    "incomplete_trial",
    "missing_is_no_response",
    "pool",
    "responders",
    "rubin",
    "strategy_name",
    "stream",
    "tipping_counts",
    "tipping_line",
    "tipping_surface",
]
