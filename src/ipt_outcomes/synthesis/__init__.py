"""Pooling several trials: published effects, participant data of our own trials, or both.

``published_effects`` reads a table, ``trial_effects`` takes rows of the estimates tables of our own
trials, ``combine_with_published`` puts both together; ``pool_trials`` does the whole synthesis and
returns rows of the estimates table. The models behind it can be used by themselves:
``random_effects``, ``three_level``, ``robust``, ``subgroups``, ``small_study_test``. ``one_stage``
fits the participants of several trials in one mixed model.
"""

from ipt_outcomes.synthesis.aggregate import one_row_per_trial
from ipt_outcomes.synthesis.analysis import PoolingPlan, pool_trials
from ipt_outcomes.synthesis.dependence import with_dependence
from ipt_outcomes.synthesis.effects import Effects, make_effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.influence import influence, leave_one_out
from ipt_outcomes.synthesis.one_stage import one_stage
from ipt_outcomes.synthesis.permutation import permutation_test
from ipt_outcomes.synthesis.pooling import fixed_effect, prediction_interval, random_effects
from ipt_outcomes.synthesis.published import EffectRules, published_effects
from ipt_outcomes.synthesis.robust import robust
from ipt_outcomes.synthesis.small_study import small_study_test
from ipt_outcomes.synthesis.subgroups import subgroups
from ipt_outcomes.synthesis.table_columns import METAPSY, EffectColumns
from ipt_outcomes.synthesis.three_level import three_level, variance_interval
from ipt_outcomes.synthesis.two_stage import combine_with_published, trial_effects

__all__ = [
    "METAPSY",
    "EffectColumns",
    "EffectRules",
    "Effects",
    "PoolingPlan",
    "SynthesisError",
    "combine_with_published",
    "fixed_effect",
    "influence",
    "leave_one_out",
    "make_effects",
    "one_row_per_trial",
    "one_stage",
    "permutation_test",
    "pool_trials",
    "prediction_interval",
    "published_effects",
    "random_effects",
    "robust",
    "small_study_test",
    "subgroups",
    "three_level",
    "trial_effects",
    "variance_interval",
    "with_dependence",
]
