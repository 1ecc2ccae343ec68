"""Colours that everybody can tell apart, and labels that move apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipt_outcomes.figures.courses import Timeline, shown_weeks, spread
from ipt_outcomes.figures.style import AREA_COLOURS, ARM_COLOURS, text_width, wrapped

# Machado, Oliveira & Fernandes (2009), severity 1.0, for linear RGB.
VISION = {
    "all": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])  # fmt: skip
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", [*ARM_COLOURS, *AREA_COLOURS])
def test_labels_can_be_read_on_white(colour: str) -> None:
    luminance = np.array([0.2126, 0.7152, 0.0722]) @ linear(colour)
    assert 1.05 / (luminance + 0.05) >= 4.5


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("colours", "least"), [(ARM_COLOURS[:4], 18), (AREA_COLOURS, 12)])
def test_colours_can_be_told_apart(vision: str, colours: tuple[str, ...], least: float) -> None:
    seen = [lab(VISION[vision] @ linear(colour)) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= least


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.floats(-20, 320), st.floats(8, 30)), min_size=1, max_size=6)
)  # fmt: skip
def test_spread_labels_do_not_overlap(labels: list[tuple[float, float]]) -> None:
    wanted, room = [each[0] for each in labels], [each[1] for each in labels]
    placed = spread(wanted, room, 300.0)
    order = np.argsort(placed)
    for below, above in itertools.pairwise(order):
        assert placed[above] - placed[below] >= (room[above] + room[below]) / 2 - 1e-6
    assert min(at - size / 2 for at, size in zip(placed, room, strict=True)) >= -1e-6
    assert max(at + size / 2 for at, size in zip(placed, room, strict=True)) <= 300 + 1e-6


def test_weeks_that_would_touch_are_left_out_but_never_the_endpoint() -> None:
    weekly = Timeline(0, tuple(range(1, 17)), 16, 12)
    shown = shown_weeks(weekly, 200)
    assert {0, 12, 16} <= set(shown)
    assert min(b - a for a, b in itertools.pairwise(shown)) * 200 / (1.06 * 16) >= 19


def test_wrapped_text_fits() -> None:
    for text in ("did not meet the criteria for inclusion", "x" * 500, "W" * 30 + " iii"):
        lines = wrapped(text, 80, 8, 3)
        assert len(lines) <= 3
        assert max(text_width(line, 8) for line in lines) <= 90
