"""Whether what was read makes sense: people, courses of scores, answers, codes and versions.

Each entry has been read already; these checks look at entries side by side. They only report: what
they find is used as it is, unless the finding says otherwise.
"""

from __future__ import annotations

from ipt_outcomes.ingest.checks.answers import check_answers
from ipt_outcomes.ingest.checks.codes import check_codes
from ipt_outcomes.ingest.checks.courses import check_courses
from ipt_outcomes.ingest.checks.evidence import Evidence
from ipt_outcomes.ingest.checks.people import check_people
from ipt_outcomes.ingest.checks.versions import check_versions

__all__ = ["Evidence", "check_data"]


def check_data(evidence: Evidence) -> None:
    """Look at a trial's data as a whole and add what is found.

    Parameters
    ----------
    evidence
        The trial, as it was read.
    """
    if not evidence.participants.empty:
        check_people(evidence)
        check_courses(evidence)
    check_answers(evidence)
    check_codes(evidence)
    check_versions(evidence)
