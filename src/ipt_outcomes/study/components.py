"""What the components of the arms say about which arms can be compared for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipt_outcomes.study.config import Study


def add_on_contrasts(study: Study, arms: list[str]) -> list[tuple[str, str, str]]:
    """Find the pairs of arms that differ by one component.

    Parameters
    ----------
    study
        The configuration.
    arms
        Arms of the trial.

    Returns
    -------
    list of tuple
        Arm with the component, arm without it, and what the pair tells.
    """
    found = []
    for more in arms:
        for less in arms:
            a, b = study.arms[more], study.arms[less]
            same_therapy = a.has_psychotherapy and a.psychotherapy == b.psychotherapy
            same_therapy = same_therapy and a.format == b.format
            if same_therapy and a.has_medication and not b.has_medication:
                found.append((more, less, f"what medication adds to {a.psychotherapy}"))
            same_medication = a.has_medication and a.medication == b.medication
            if same_medication and a.has_psychotherapy and not b.has_psychotherapy:
                found.append((more, less, f"what {a.psychotherapy} adds to medication"))
    return found


def no_add_on(study: Study, arms: list[str]) -> str:
    """Say what an add-on contrast needs, and what the arms have instead.

    Parameters
    ----------
    study
        The configuration.
    arms
        Arms of the trial.
    """
    have = "; ".join(f"{arm}: {_components(study, arm)}" for arm in arms)
    return (
        "medication compares two arms with the same psychotherapy in the same format, one of them "
        "with medication, or two arms with the same medication, one of them with psychotherapy; "
        f"there are none among {have}. Take medication out of analyses, or complete the "
        "components under arms."
    )


def _components(study: Study, arm: str) -> str:
    described = study.arms[arm]
    parts = [f"{described.psychotherapy} ({described.format})"] * described.has_psychotherapy
    parts += [described.medication] * described.has_medication
    return " and ".join(parts) or "neither"
