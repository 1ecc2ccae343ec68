"""Every result anew from canonical frames: what a verification runs in a clean folder.

``python -m ipt_outcomes.provenance.rebuild CONFIG DATA OUT`` runs the analyses, tables and figures
of a study from the frames under ``DATA/<trial>/`` and writes them under ``OUT``, laid out as
``results/shared``. It reads no estimate. An analysis that cannot run on the data that are there is
noted in ``OUT/failures.json`` and the others go on. The call is the same in every release: a bundle
is rebuilt by the program that it carries.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ipt_outcomes.study import Study

Task = tuple[str, str, str, str, str | None]
"""Configuration, data folder, trial, analysis, outcome."""


def tasks_of(config: str, data: str) -> list[Task]:
    """List the analyses of a study, one task each, in the order of the workflow.

    Parameters
    ----------
    config
        Path of ``config.yaml``.
    data
        Folder with a folder of frames per trial.
    """
    from ipt_outcomes.study import load_study

    study = load_study(config, check_files=False)
    further = [name for name, plan in study.analyses if plan and name != "primary"]
    tasks: list[Task] = []
    for trial in study.trials:
        tasks.append((config, data, trial, "describe", None))
        tasks += [(config, data, trial, "primary", o) for o in study.outcomes_of(trial)]
        tasks += [(config, data, trial, name, None) for name in further]
    return tasks


def analyse(task: Task, out: str) -> str | None:
    """Run one analysis and write its rows; return what went wrong, if anything."""
    from ipt_outcomes.analyses.data import TrialData
    from ipt_outcomes.analyses.disclosure import hold_small_cells
    from ipt_outcomes.results import hold_to_plan, write
    from ipt_outcomes.study import load_study
    from ipt_outcomes.study.locking import read_plan

    config, data, trial, analysis, outcome = task
    warnings.simplefilter("ignore")
    study = load_study(config, check_files=False)
    try:
        frames = TrialData.read(study, trial, Path(data, trial))
        function = getattr(import_module(f"ipt_outcomes.analyses.{analysis}"), analysis)
        rows = function(frames) if outcome is None else function(frames, outcome)
    except Exception as error:  # the others go on, and the verification names this one
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    touched = read_plan(config, study).touched(analysis, trial)
    rows = hold_small_cells(rows, study.privacy.smallest_group)
    rows = hold_to_plan(rows[rows["disclosure"] == "shared"].reset_index(drop=True), touched)
    write(rows, _place(out, task))
    return None


def _place(out: str, task: Task) -> Path:
    _, _, trial, analysis, outcome = task
    name = analysis if outcome is None else f"{analysis}_{outcome}"
    return Path(out, trial, "estimates", f"{name}.parquet")


def rebuild(config: str, data: str, out: str, processes: int = 1) -> dict[str, str]:
    """Run all analyses, tables and figures of a study.

    Parameters
    ----------
    config, data, out
        The configuration, the folder of frames, the folder to write.
    processes
        Analyses that run at the same time.

    Returns
    -------
    dict of str to str
        Analysis (``trial/name``): why it could not run.
    """
    tasks = tasks_of(config, data)
    if processes > 1:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            said = list(pool.map(analyse, tasks, [out] * len(tasks)))
    else:
        said = [analyse(task, out) for task in tasks]
    failures = {
        f"{task[2]}/{_place(out, task).stem}": what
        for task, what in zip(tasks, said, strict=True)
        if what is not None
    }
    failures |= _show(config, data, tasks, out)
    Path(out).mkdir(parents=True, exist_ok=True)
    text = json.dumps(failures, indent=1, sort_keys=True) + "\n"
    Path(out, "failures.json").write_text(text, "utf-8")
    return failures


def _show(config: str, data: str, tasks: Sequence[Task], out: str) -> dict[str, str]:
    """Collect the rows; set tables and draw figures from them."""
    from ipt_outcomes.figures import draw_figure, figure_names
    from ipt_outcomes.results import combine, hold_to_plan, read, write
    from ipt_outcomes.study import load_study
    from ipt_outcomes.study.locking import read_plan
    from ipt_outcomes.tables import make_tables
    from ipt_outcomes.tables.writing import save_table

    study = load_study(config, check_files=False)
    table = combine(read(path) for task in tasks if (path := _place(out, task)).is_file())
    failures = {}
    for name in study.synthesis:
        try:
            table = combine([table, _pool(study, name, config, data, table, out)])
        except Exception as error:  # the trials go on, and the verification names this one
            failures[f"{name}/synthesis"] = f"{type(error).__name__}: {error}"
    if not read_plan(config, study).is_locked:
        table = hold_to_plan(table, None)
    write(table, Path(out, "estimates.parquet"), Path(out, "estimates.csv"))
    for trial in study.trials:
        for figure in figure_names(study, trial):
            try:
                drawing = draw_figure(figure, study=study, estimates=table, trial=trial)
                drawing.save(Path(out, trial, "figures", figure))
            except Exception as error:  # a figure without its rows
                failures[f"{trial}/figures/{figure}"] = f"{type(error).__name__}: {error}"
        try:
            for name, made in make_tables(study=study, estimates=table, trial=trial).items():
                save_table(made, Path(out, trial, "tables", name))
        except Exception as error:  # tables without their rows
            failures[f"{trial}/tables"] = f"{type(error).__name__}: {error}"
    return failures


def _pool(
    study: Study, name: str, config: str, data: str, table: pd.DataFrame, out: str
) -> pd.DataFrame:
    """Pool the trials of one synthesis, draw its figures and set its tables."""
    from ipt_outcomes.analyses.data import TrialData
    from ipt_outcomes.report.pooling import save_synthesis
    from ipt_outcomes.results import hold_to_plan
    from ipt_outcomes.study.locking import read_plan
    from ipt_outcomes.synthesis.planned import planned_synthesis

    own = study.synthesis[name].own
    used = study.trials_pooled(own) if own is not None and own.one_stage is not None else []
    frames = {trial: TrialData.read(study, trial, Path(data, trial)) for trial in used}
    rows = planned_synthesis(study, name, Path(config).parent, table, frames).rows
    rows = hold_to_plan(rows, read_plan(config, study).touches_synthesis(name))
    save_synthesis(study, name, rows, Path(out, name, "figures"), Path(out, name, "tables"))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild and return 0; failures of single analyses are for the verification to judge."""
    parser = argparse.ArgumentParser(prog="ipt_outcomes.provenance.rebuild", description=__doc__)
    parser.add_argument("config")
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args(arguments)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    rebuild(asked.config, asked.data, asked.out, asked.processes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
