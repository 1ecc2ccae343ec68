"""The axis of time of a figure: the weeks of a trial's visits, and which can be labelled."""

from __future__ import annotations

from dataclasses import dataclass

from ipt_outcomes.study import Study


@dataclass(frozen=True)
class Timeline:
    """The axis of time.

    Parameters
    ----------
    start
        Week of the baseline visit.
    weeks
        Weeks of the later visits, in order.
    end_of_treatment
        Week of the last visit during treatment.
    endpoint
        Week of the endpoint.
    """

    start: float
    weeks: tuple[float, ...]
    end_of_treatment: float
    endpoint: float

    @classmethod
    def of(cls, study: Study, trial: str, endpoint: str) -> Timeline:
        """Read the visits of a trial."""
        visits = [study.visits[name] for name in study.visits_of(trial)]
        later = tuple(visit.week for visit in visits if visit.phase != "baseline")
        treated = [visit.week for visit in visits if visit.phase == "treatment"]
        return cls(
            study.visits[study.baseline].week,
            later,
            max(treated, default=later[-1] if later else 0.0),
            study.visits[endpoint].week,
        )

    @property
    def last(self) -> float:
        """The last week."""
        return max((*self.weeks, self.start))

    @property
    def has_follow_up(self) -> bool:
        """Whether there are visits after the end of treatment."""
        return self.last > self.end_of_treatment


def shown_weeks(time: Timeline, width: float, room: float = 19.0) -> list[float]:
    """Choose the weeks that can be labelled without touching each other.

    Parameters
    ----------
    time
        The visits.
    width
        Length of the axis in points.
    room
        Least distance of two labels, in points.

    Examples
    --------
    >>> shown_weeks(Timeline(0, (1, 2, 3, 4, 16), 16, 16), 160)
    [0, 3, 16]
    """
    scale = width / max(1.06 * (time.last - time.start), 1e-9)
    must = [time.start, time.endpoint, time.last]
    chosen = list(dict.fromkeys(must))
    for week in time.weeks:
        if all(abs(week - other) * scale >= room for other in chosen):
            chosen.append(week)
    return sorted(chosen)
