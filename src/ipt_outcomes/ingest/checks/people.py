"""Whether arms, therapists, sessions, dates and problem areas of participants go together."""

from __future__ import annotations

import numpy as np

from ipt_outcomes.ingest.checks.evidence import Evidence
from ipt_outcomes.ingest.records import FOCUS

FAR_DAYS = 5 * 365
"""Dates of randomisation further than this from the middle one are doubtful."""
FEWEST = 5


def check_people(evidence: Evidence) -> None:
    """Report what does not go together in what is known of each of the participants."""
    _arms(evidence)
    _ends(evidence)
    _randomisation(evidence)
    _screening(evidence)


def _arms(evidence: Evidence) -> None:
    people, fields = evidence.participants, evidence.people.fields
    arms = evidence.study.arms
    with_therapy = [name for name, arm in arms.items() if arm.has_psychotherapy]
    therapy = people["arm"].isin(with_therapy).to_numpy()
    received = people["received_arm"]
    crossed = (received.notna() & (received != people["arm"])).to_numpy()
    evidence.person("warning", "another arm received", crossed, "received_arm",
                    found="another arm than the one randomised to",
                    expected="the arm randomised to",
                    mend="Check it. Everyone is analysed as randomised; the per-protocol set "
                    "leaves these participants out.")  # fmt: skip
    # Whoever received another arm has that arm's therapist with good reason.
    plain = ~crossed
    if "therapist" in fields:
        has = people["therapist"].notna().to_numpy()
        evidence.person("warning", "therapist without psychotherapy", has & ~therapy & plain,
                        "therapist", found="a therapist in an arm without psychotherapy",
                        expected="no therapist", mend="Check the arm and the therapist; the "
                        "therapist is not used in models of therapists.")  # fmt: skip
        evidence.person("warning", "no therapist", ~has & therapy & plain, "therapist",
                        found="no therapist in an arm with psychotherapy", expected="a therapist",
                        mend="Enter who treated this participant, or would have.")  # fmt: skip
    if "sessions_attended" in fields:
        some = (people["sessions_attended"].fillna(0) > 0).to_numpy()
        evidence.person("warning", "sessions without psychotherapy", some & ~therapy & plain,
                        "sessions_attended",
                        found="sessions of psychotherapy in an arm without it",
                        expected="none, or an empty cell",
                        mend="Check the arm and the sessions.")  # fmt: skip
    if FOCUS in fields:
        area = people["problem_area"].notna().to_numpy()
        plan = evidence.study.analyses.problem_areas
        before = plan is not None and plan.rated == "before-randomisation"
        if not before:
            evidence.person("warning", "problem area without psychotherapy",
                            area & ~therapy & plain, FOCUS,
                            found="a problem area in an arm without psychotherapy",
                            expected="problem areas where they were worked on", mend="Check it; if "
                            "all were rated before randomisation, say so under "
                            "analyses.problem_areas.rated.")  # fmt: skip


def _ends(evidence: Evidence) -> None:
    people, fields = evidence.participants, evidence.people.fields
    for stem, what in (("treatment_stop", "stopping treatment"), ("study_exit", "leaving")):
        timed = next((f"{stem}_{w}" for w in ("date", "day") if f"{stem}_{w}" in fields), None)
        if timed is None or f"{stem}_reason" not in fields:
            continue
        day, reason = people[f"{stem}_day"].notna(), people[f"{stem}_reason"].notna()
        evidence.person("warning", "reason without a date", reason & ~day, f"{stem}_reason",
                        found=f"a reason for {what} without a date",
                        expected="a date and a reason, or neither",
                        mend="Enter the date: without it nobody counts as having left.",
                        )  # fmt: skip
        evidence.person("note", "date without a reason", day & ~reason, timed,
                        found=f"a date of {what} without a reason",
                        expected="a date and a reason, or neither",
                        mend="Enter the reason if it is known.")  # fmt: skip
    stop, left = (people[f"{stem}_day"].astype("Float64") for stem in
                  ("treatment_stop", "study_exit"))  # fmt: skip
    late = (stop > left).fillna(False).to_numpy(dtype=bool)
    timed = "treatment_stop_date" if "treatment_stop_date" in fields else "treatment_stop_day"
    evidence.person("warning", "treatment stopped after leaving", late, timed,
                    found=[f"day {stop.iloc[at]:g}, after leaving the study on day "
                           f"{left.iloc[at]:g}" for at in np.flatnonzero(late)],
                    expected="a day until the participant left", mend="Check both dates; they "
                    "are used as they are.")  # fmt: skip


def _randomisation(evidence: Evidence) -> None:
    day = evidence.people.day_of_randomisation()
    places = [evidence.place[name] for name in evidence.participants["participant"]]
    day = day[places]
    known = day[~np.isnan(day)]
    if len(known) < FEWEST:
        return
    far = np.abs(day - np.median(known)) > FAR_DAYS
    evidence.person("warning", "date far from the others", far, "randomisation_date",
                    found="a date of randomisation more than five years from the middle one",
                    expected="a date while the trial recruited",
                    mend="Check the year; it is used as it is.")  # fmt: skip


def _screening(evidence: Evidence) -> None:
    enrolment = evidence.study.enrolment.get(evidence.trial)
    if enrolment is None or enrolment.assessed_for_eligibility is None or not enrolment.excluded:
        return
    left = enrolment.assessed_for_eligibility - sum(enrolment.excluded.values())
    n = len(evidence.roster.names)
    if left != n:
        evidence.findings.add("warning", "screening counts do not add up", file="config.yaml",
                              found=f"{left} eligible in enrolment.{evidence.trial}, but {n} "
                              "participants in the export",
                              expected="as many participants as were eligible",
                              mend="Correct the counts, or see who is missing in the export.",
                              )  # fmt: skip
