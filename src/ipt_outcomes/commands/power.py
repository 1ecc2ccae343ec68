"""``ipt power DESIGN.yaml``: simulate the trial to come; write a page, a figure and the numbers.

A large run can be shared out: ``--part 3/8`` works off the third of eight parts and writes its
trials; ``--from FOLDER`` puts the parts together. The numbers are those of one run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pandas as pd

from ipt_outcomes.planning import (
    Characteristics,
    PlannedTrial,
    at_the_same_time,
    characteristics_of,
    find_sample_size,
    simulate_trials,
)
from ipt_outcomes.planning.closed_form import complete_data_power
from ipt_outcomes.planning.design import FEWEST_TRIALS
from ipt_outcomes.planning.simulation import portions_of
from ipt_outcomes.study import load_sections
from ipt_outcomes.whole_files import whole_file


class PowerError(ValueError):
    """Options or parts that do not fit together."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("design", type=Path, help="the design (YAML); see docs/how-to/plan-a-trial")
    parser.add_argument("--out", type=Path, help="folder for page, figure and numbers")
    parser.add_argument("--trials", type=int, help="simulated trials, instead of the design's")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", help="work off part I of N only (I/N) and write its trials")
    parser.add_argument("--from", dest="parts", type=Path, help="folder with the parts of a run")


def run(options: argparse.Namespace) -> int:
    """Simulate, write and print."""
    design = load_sections(options.design, PlannedTrial)
    if options.trials is not None:
        if options.trials < FEWEST_TRIALS:
            raise PowerError(f"--trials {options.trials}: simulate at least {FEWEST_TRIALS}.")
        design = PlannedTrial.model_validate({**design.model_dump(), "trials": options.trials})
    out = options.out or options.design.with_suffix("")
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with at_the_same_time(options.processes) as runner:
        if options.part is not None:
            part, parts = _part(options.part)
            portions = range(part - 1, portions_of(design), parts)
            if not portions:
                raise PowerError(
                    f"--part {options.part}: the {design.trials} trials have only "
                    f"{portions_of(design)} portions of 250; ask for fewer parts."
                )
            done = pd.concat(
                simulate_trials(design, truth, run=runner, portions=list(portions))
                for truth in ("effect", "none")
            )
            target = out / f"part_{part}_of_{parts}.parquet"
            with whole_file(target) as file:
                done.to_parquet(file, index=False)
            print(f"{len(done)} trials written to {target}")
            return 0
        if options.parts is not None:
            everything = read_parts(options.parts, design)
            effect = everything[everything["truth"] == "effect"]
            none = everything[everything["truth"] == "none"]
        else:
            effect = simulate_trials(design, run=runner)
            none = simulate_trials(design, "none", run=runner)
        found = characteristics_of(design, effect, none)
        size = None
        if design.target_power is not None:
            size = find_sample_size(design, design.target_power, run=runner)
    write_results(design, found, size, pd.concat([effect, none]), out)
    print(summary(design, found))
    if size is not None:
        per_arm = ", ".join(f"{arm} {n}" for arm, n in size.per_arm.items())
        print(f"{size.target:.0%} power: {size.total} participants ({per_arm})")
    print(f"{time.perf_counter() - started:.0f} s; the page is {out / 'power.html'}")
    return 0


def read_parts(folder: Path, design: PlannedTrial) -> pd.DataFrame:
    """Put the parts of a run together, checking that each trial is there once.

    Raises
    ------
    PowerError
        When trials are missing or stand twice.
    """
    files = sorted(folder.glob("part_*_of_*.parquet"))
    if not files:
        raise PowerError(f"{folder} holds no part_I_of_N.parquet.")
    table = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    table = table.sort_values(["truth", "trial"], ignore_index=True)
    for truth in ("effect", "none"):
        trials = table.loc[table["truth"] == truth, "trial"].to_list()
        if trials != list(range(design.trials)):
            raise PowerError(
                f"{folder}: found {len(trials)} trials ({len(set(trials))} different) of "
                f"{design.trials}; run the missing parts, and keep parts of one run only."
            )
    return table


def summary(design: PlannedTrial, found: Characteristics) -> str:
    """Say the main numbers in a few lines."""
    error = found.type_one_error
    lines = [
        f"{design.total} participants, true difference {found.truth:.2f} {design.outcome.unit} at "
        f"{design.endpoint}, {found.trials:,} trials ({found.failed} without a model)",
        f"power {found.power.value:.1%} (simulation error {found.power.lower:.1%} to "
        f"{found.power.upper:.1%})",
    ]
    if error is not None:
        lines.append(f"type I error {error.value:.2%} ({error.lower:.2%} to {error.upper:.2%})")
    lines.append(
        f"bias {found.bias:+.3f} (error {found.bias_error:.3f}), coverage "
        f"{found.coverage.value:.1%}, interval width {found.width:.2f}"
    )
    return "\n".join(lines)


def write_results(
    design: PlannedTrial,
    found: Characteristics,
    size: Any,
    trials: pd.DataFrame,
    out: Path,
) -> None:
    """Write page, figure, numbers and simulated trials, each file whole or not at all."""
    from ipt_outcomes.figures.power import power_curve
    from ipt_outcomes.provenance.software import software
    from ipt_outcomes.report.power import power_page

    sizes = pd.DataFrame(
        [
            {
                "total": design.total,
                "power": found.power.value,
                "lower": found.power.lower,
                "upper": found.power.upper,
                "trials": found.trials - found.failed,
            }
        ]
    )
    if size is not None:
        sizes = pd.concat([sizes, size.curve], ignore_index=True)
    drawing = power_curve(design, sizes, design.target_power)
    drawing.save(out / "power_by_size")
    page = power_page(
        design=design,
        found=found,
        theory=complete_data_power(design),
        size=size,
        drawing=drawing,
        provenance=software(),
    )
    with whole_file(out / "power.html") as part:
        part.write_text(page, "utf-8")
    numbers: dict[str, Any] = {"design": design.model_dump(mode="json")}
    numbers["found"] = dataclasses.asdict(found)
    numbers["theory_complete_data"] = dataclasses.asdict(complete_data_power(design))
    if size is not None:
        numbers["sample_size"] = {
            "target": size.target, "total": size.total, "per_arm": size.per_arm,
            "confirmed": dataclasses.asdict(size.confirmed),
        }  # fmt: skip
    with whole_file(out / "power.json") as part:
        part.write_text(json.dumps(numbers, indent=1, default=float) + "\n", "utf-8")
    with whole_file(out / "trials.csv") as part:
        trials.to_csv(part, index=False, lineterminator="\n")


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise PowerError(f"--part {text}: expected I/N with I from 1 to N, for instance 3/8.")
    return int(match[1]), int(match[2])
