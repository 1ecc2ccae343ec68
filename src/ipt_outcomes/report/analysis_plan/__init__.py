"""A statistical analysis plan drafted from ``config.yaml`` alone: no data, no results.

Its parts follow the guideline of Gamble et al. (2017), JAMA 318:2337, item by item. What the
configuration decides is written out in words and symbols; what it leaves open is marked as to be
decided. Once the plan is locked the draft states the hash of the locked copy and every change
since.
"""

from ipt_outcomes.report.analysis_plan.document import plan_sections, write_analysis_plan

__all__ = ["plan_sections", "write_analysis_plan"]
