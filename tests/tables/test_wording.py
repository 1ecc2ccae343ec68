"""The words around numbers: signs, plurals, and what a reader must be told."""

from __future__ import annotations

import pytest

from ipt_outcomes.tables.quotes import participants, quote


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "no difference was shown: an advantage of -1.2 points (interval -4.9 to 2.6).",
            "no difference was shown: a disadvantage of 1.2 points "
            "(interval 4.9 worse to 2.6 better).",
        ),
        (
            "an advantage of 1.2 points per day (interval -2.6 to 4.9)",
            "an advantage of 1.2 points per day (interval 2.6 worse to 4.9 better)",
        ),
        ("an advantage of 3.0 is not excluded", "an advantage of 3.0 is not excluded"),
        ("at -1 SD, items 1-4, week-2", "at \N{MINUS SIGN}1 SD, items 1-4, week-2"),
    ],
)
def test_words_follow_the_sign(note: str, said: str) -> None:
    assert quote({"id": "a", "notes": note}, "notes").text == said


@pytest.mark.parametrize(("n", "said"), [(1.0, "1 participant"), (12.0, "12 participants")])
def test_one_is_singular(n: float, said: str) -> None:
    assert str(participants({"id": "a", "estimate": n, "notes": None})) == said
