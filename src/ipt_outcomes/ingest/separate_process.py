"""A process of its own for a file that damaged bytes could break the reading of.

A file's reader that is native code can crash, hang, or ask for all memory there is. Here it does so
without the run: the process has limits of time and, where the platform has them, of memory, and how
it ended is told in the researcher's words.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ipt_outcomes.ingest import separate_reader
from ipt_outcomes.ingest.separate_reader import unpacked, untagged

PATIENCE = 120
"""Seconds that the reading of any file may take."""
PATIENCE_PER_MEGABYTE = 5
"""Seconds more for each megabyte: some fifty times what a sound file takes."""


class SeparateError(Exception):
    """A file that could not be read.

    Parameters
    ----------
    problem
        ``too large``, ``unknown encoding``, ``catalog`` or ``damaged``.
    reason
        What became of the attempt, in words.
    """

    def __init__(self, problem: str, reason: str) -> None:
        super().__init__(f"{problem}: {reason}")
        self.problem, self.reason = problem, reason


@dataclass(frozen=True)
class ReadApart:
    """What a file holds.

    Parameters
    ----------
    columns
        Name: float64 values, or objects with ``nan`` where there is no value.
    rows
        Rows read.
    stored
        Name: how the values are stored.
    missing
        Name: ranges that the file itself declares missing.
    labels, questions
        Name: what its codes mean, and its label.
    encoding
        Of its texts.
    """

    columns: Mapping[str, np.ndarray]
    rows: int
    stored: Mapping[str, str]
    missing: Mapping[str, list[Any]]
    labels: Mapping[str, Mapping[Any, str]]
    questions: Mapping[str, str]
    encoding: str


def read_apart(
    path: Path, kind: str, encoding: str | None, most_cells: int, catalog: Path | None = None
) -> ReadApart:
    """Read a file of SPSS, Stata or SAS in a process of its own.

    Parameters
    ----------
    path, kind
        The file, and which kind it is.
    encoding
        The encoding of its texts, where the file does not say it or says it wrongly.
    most_cells
        More than these are not read.
    catalog
        The value labels of a SAS data set.

    Raises
    ------
    SeparateError
        When it cannot be read.
    """
    seconds = PATIENCE + PATIENCE_PER_MEGABYTE * path.stat().st_size // 1_000_000
    job = {"path": str(path), "kind": kind, "encoding": encoding, "most_cells": most_cells,
           "seconds": seconds, "catalog": None if catalog is None else str(catalog)}  # fmt: skip
    content = _answer(job, seconds)
    try:
        return _content(content)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        # A process that damaged bytes have confused can say anything before it ends.
        raise SeparateError("damaged", "what was read of it contradicts itself") from None


def _answer(job: Mapping[str, Any], seconds: float) -> bytes:
    command = [sys.executable, "-P", separate_reader.__file__, json.dumps(job)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **threads},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SeparateError("damaged", f"not read within {seconds:,.0f} seconds") from None
    if done.returncode == 0:
        return done.stdout
    if -done.returncode == getattr(signal, "SIGXCPU", 0):
        raise SeparateError("damaged", f"not read within {seconds:,.0f} seconds")
    raise SeparateError("damaged", "its bytes break the program that reads such files")


def _content(content: bytes) -> ReadApart:
    line, _, arrays = content.partition(b"\n")
    said = json.loads(line)
    if "problem" in said:
        raise SeparateError(str(said["problem"]), str(said["reason"]))
    columns, start = {}, 0
    for column in said["columns"]:
        end = start + int(column["bytes"])
        columns[str(column["name"])] = values = unpacked(column["distinct"], arrays[start:end])
        if len(values) != said["rows"]:
            raise ValueError("columns of different lengths")
        start = end
    stated = said["rows_stated"]
    if stated is not None and stated != said["rows"]:
        raise SeparateError("damaged", f"{said['rows']:,} rows of {stated:,}")
    return ReadApart(
        columns=columns,
        rows=int(said["rows"]),
        stored=said["stored"],
        missing=said["missing"],
        labels={
            name: {untagged(code): label for code, label in labels}
            for name, labels in said["labels"].items()
        },
        questions={name: str(text) for name, text in said["questions"].items() if text},
        encoding=str(said["encoding"] or ""),
    )
