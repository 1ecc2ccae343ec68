"""Which column of a table of published effects holds what, and what may stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ipt_outcomes.synthesis.effects import Measure

Source = Literal["means", "change", "events", "given"]

SOURCES: dict[Source, str] = {
    "means": "means and standard deviations at the endpoint",
    "change": "means and standard deviations of the change from baseline",
    "events": "numbers of events",
    "given": "an effect that was given with its standard error",
}
"""What an effect can be computed from."""

PREFERENCE: dict[Measure, tuple[Source, ...]] = {
    "g": ("means", "change", "given", "events"),
    "md": ("means", "change", "given"),
    "log rr": ("events", "given"),
    "log or": ("events", "given"),
    "log hr": ("given",),
    "rd": ("events", "given"),
}
"""For each measure, what it is computed from: the first that a row has complete."""

Columns = tuple[str, ...]


@dataclass(frozen=True)
class EffectColumns:
    """Names of the columns in the file. Columns that the file does not have are passed over.

    Parameters
    ----------
    trial
        Name of the trial; rows of the same trial are dependent.
    outcome, arm, reference
        Instrument (and rater), arm and comparator; several columns are joined.
    visit
        Time of the assessment.
    higher_is
        ``worse`` or ``better``: which way the instrument points, where rows differ.
    means, change
        Mean, SD and number of the arm, then of the reference.
    events
        Events and participants of the arm, then of the reference.
    given
        Measure: its column and that of its standard error.
    randomised
        Numbers randomised to arm and reference, used where nothing better says how many
        participants are behind an effect.
    """

    trial: str = "trial"
    outcome: Columns = ("outcome", "rater")
    visit: str = "visit"
    arm: Columns = ("arm",)
    reference: Columns = ("reference",)
    higher_is: str = "higher_is"
    means: Columns = (
        "mean_arm", "sd_arm", "n_arm", "mean_reference", "sd_reference", "n_reference",
    )  # fmt: skip
    change: Columns = (
        "change_mean_arm", "change_sd_arm", "change_n_arm",
        "change_mean_reference", "change_sd_reference", "change_n_reference",
    )  # fmt: skip
    events: Columns = ("events_arm", "total_arm", "events_reference", "total_reference")
    given: Mapping[Measure, tuple[str, str]] = field(
        default_factory=lambda: {
            "g": ("g", "g_se"),
            "md": ("md", "md_se"),
            "log rr": ("log_rr", "log_rr_se"),
            "log or": ("log_or", "log_or_se"),
            "log hr": ("log_hr", "log_hr_se"),
            "rd": ("rd", "rd_se"),
        }
    )
    randomised: Columns = ("randomised_arm", "randomised_reference")

    def of(self, source: Source, measure: Measure) -> Columns:
        """Return the columns from which a measure is computed."""
        if source == "given":
            return self.given.get(measure, ())
        return {"means": self.means, "change": self.change, "events": self.events}[source]

    def descriptions(self) -> dict[str, Columns]:
        """Return the columns of text: what it says of a row, and where it stands."""
        return {"outcome": self.outcome, "arm": self.arm, "reference": self.reference,
                "visit": (self.visit,)}  # fmt: skip

    def numbers(self) -> dict[str, str]:
        """Return every column of numbers with what it holds: mean, sd, n, events, total, se."""
        of_scores = ("mean", "sd", "n", "mean", "sd", "n")
        kinds = dict(zip(self.means, of_scores, strict=True))
        kinds |= dict(zip(self.change, of_scores, strict=True))
        kinds |= dict(zip(self.events, ("events", "total", "events", "total"), strict=True))
        kinds |= dict.fromkeys(self.randomised, "total")
        for effect, se in self.given.values():
            kinds |= {effect: "effect", se: "se"}
        return kinds


METAPSY = EffectColumns(
    trial="study",
    outcome=("instrument", "rating"),
    visit="time_weeks",
    arm=("condition_arm1", "multi_arm1"),
    reference=("condition_arm2", "multi_arm2"),
    means=("mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2"),
    change=(
        "mean_change_arm1", "sd_change_arm1", "n_change_arm1",
        "mean_change_arm2", "sd_change_arm2", "n_change_arm2",
    ),
    events=("event_arm1", "totaln_arm1", "event_arm2", "totaln_arm2"),
    given={"g": ("precalc_g", "precalc_g_se"), "log rr": ("precalc_log_rr", "precalc_log_rr_se")},
    randomised=("rand_arm1", "rand_arm2"),
)  # fmt: skip
"""The columns of the Metapsy databases, with what trials reported."""
