"""A study's results as one ZIP file from which others can rebuild them.

===================  ==============================================================================
``results/``         of ``results/shared``: estimates, tables, figures with their data, the report
``data/``            the analysis data, anonymised, or a synthetic stand-in (`shared_data`)
``config/``          the configuration, and the locked analysis plan when there is one
``code/``            the program's source (``source.zip``) and its entry, the Snakefile
``manifest.json``    versions, seed, fingerprint, plan, deviations, what is withheld, checksums
``ro-crate-…json``   the same for machines: a Workflow Run RO-Crate
===================  ==============================================================================

Nothing holds a clock's time: the same results make the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from ipt_outcomes.figures import figure_names
from ipt_outcomes.provenance.archive import unpack, zipped
from ipt_outcomes.provenance.compare import further_rows, unlike_rows
from ipt_outcomes.provenance.crate import WORKFLOW, crate_metadata
from ipt_outcomes.provenance.disclosure_check import disclosure_findings
from ipt_outcomes.provenance.rebuild import rebuild
from ipt_outcomes.provenance.shared_data import Frames, anonymised, stand_in
from ipt_outcomes.provenance.software import software
from ipt_outcomes.provenance.source import fingerprint_of, source_files, version
from ipt_outcomes.results import read
from ipt_outcomes.study import Study, load_study
from ipt_outcomes.study.locking import PLAN_FILE, read_plan
from ipt_outcomes.study.publication import Publication
from ipt_outcomes.whole_files import whole_file

BUNDLE_VERSION = 2
MANIFEST = "manifest.json"
METADATA = "ro-crate-metadata.json"

KINDS = {
    "results/estimates": "result",
    "data/": "data",
    "config/": "config",
    "code/": "code",
    "results/report": "report",
}


class PublishError(ValueError):
    """Results that cannot be published as they are."""


@dataclass(frozen=True)
class Bundle:
    """What was published.

    Parameters
    ----------
    path
        The ZIP file.
    sha256
        Its hash, to be printed in the paper.
    files
        Number of files in it.
    data
        ``anonymised``, ``synthetic`` or ``simulated``.
    """

    path: Path
    sha256: str
    files: int
    data: str


def kind_of(path: str) -> str:
    """Tell what a file of the bundle is, in a word.

    Examples
    --------
    >>> kind_of("results/example/figures/x.png"), kind_of("data/example/scores.parquet")
    ('figure', 'data')
    """
    if "/figures/" in path:
        return "figure"
    if "/tables/" in path:
        return "table"
    if path == f"config/{PLAN_FILE}":
        return "plan"
    return next((kind for start, kind in KINDS.items() if path.startswith(start)), "description")


def publish(study_folder: str | Path, out: str | Path) -> Bundle:
    """Pack the results of a study.

    Parameters
    ----------
    study_folder
        The folder with ``config.yaml`` and ``results``.
    out
        The ZIP file to write.

    Raises
    ------
    PublishError
        When results are missing or break the rules of disclosure, or the configuration does not
        say what may be published.
    ipt_outcomes.provenance.shared_data.SharingError
        When the data may not be shared as asked.
    """
    folder = Path(study_folder)
    study = load_study(folder / "config.yaml", check_files=False)
    policy = study.publication
    if policy is None:
        raise PublishError(
            "config.yaml has no section publication: say there whether the analysis data may be "
            "shared, and the day of publication (see docs/how-to/publish-and-verify.md)."
        )
    shared = folder / "results" / "shared"
    if not (shared / "estimates.parquet").is_file():
        raise PublishError(f"{shared} holds no results yet: run `snakemake` first.")
    if study.study.blinded and not read_plan(folder / "config.yaml", study).is_locked:
        raise PublishError("arms are masked until the plan is locked: these are no results.")
    estimates = read(shared / "estimates.parquet")
    files = _results(shared, study)
    restricted = folder / "results" / "restricted"
    frames = {trial: Frames.read(restricted / trial) for trial in study.trials}
    _refuse_disclosure(estimates, shared, files, frames, study.privacy.smallest_group)
    files |= _data(study, policy, estimates, frames)
    for name in ("config.yaml", PLAN_FILE):
        if (folder / name).is_file():
            files[f"config/{name}"] = (folder / name).read_bytes()
    for plan in study.synthesis.values():
        if plan.published is not None:
            files |= _published_table(folder, plan.published.file)
    source = source_files()
    files["code/source.zip"] = zipped(source)
    files[WORKFLOW] = source.get("Snakefile", b"# see source.zip\n")
    if "CITATION.cff" in source:
        files["CITATION.cff"] = source["CITATION.cff"]
    manifest = _manifest(folder, study, policy, source, estimates, files)
    files[MANIFEST] = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode("utf-8")
    files[METADATA] = crate_metadata(
        title=study.study.title,
        description=study.study.notice or f"Results of {study.study.title}.",
        date=policy.date,
        licence=policy.licence,
        version=version(),
        files={path: kind_of(path) for path in files},
    )
    content = zipped(files)
    with whole_file(out) as part:
        part.write_bytes(content)
    return Bundle(Path(out), hashlib.sha256(content).hexdigest(), len(files), policy.data)


def _published_table(folder: Path, name: str) -> dict[str, bytes]:
    """Read a table of published effects, which has to be found again beside the configuration."""
    given = PurePosixPath(Path(name).as_posix())
    inside = (folder / name).resolve().is_relative_to(folder.resolve())
    if given.is_absolute() or ".." in given.parts or not inside:
        raise PublishError(
            f"synthesis: {name} cannot go into a bundle. Put the table into the folder of "
            "config.yaml and write its path from there, without .. or a leading /."
        )
    return {f"config/{given}": (folder / name).read_bytes()}


def _results(shared: Path, study: Study) -> dict[str, bytes]:
    """Read what is published of ``results/shared``; single analyses stand in the whole table.

    What an earlier configuration left there, such as a figure of an analysis that was taken out,
    is nobody's result any more.
    """
    drawn = {trial: set(figure_names(study, trial)) for trial in study.trials}
    files = {}
    for path in sorted(shared.rglob("*")):
        inside = path.relative_to(shared)
        whose, kind = (*inside.parts, "", "")[:2]
        left_over = kind and whose not in {*study.trials, *study.synthesis}
        if kind == "figures" and whose in drawn:
            left_over = path.stem not in drawn[whose]
        if not path.is_file() or path.name.startswith(".") or kind == "estimates" or left_over:
            continue
        files[f"results/{inside.as_posix()}"] = path.read_bytes()
    return files


def _refuse_disclosure(
    estimates: pd.DataFrame,
    shared: Path,
    files: Mapping[str, bytes],
    frames: Mapping[str, Frames],
    smallest: int,
) -> None:
    numbers = [name for of in frames.values() for name in of.participants["participant"]]
    paths = [shared / Path(name).relative_to("results") for name in files]
    if found := disclosure_findings(estimates, paths, numbers, smallest):
        listed = "\n".join(f"  - {finding}" for finding in found)
        raise PublishError(f"not published: the rules of disclosure are broken.\n{listed}")


def _data(
    study: Study,
    policy: Publication,
    estimates: pd.DataFrame,
    frames: Mapping[str, Frames],
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for trial, of in frames.items():
        if policy.data == "synthetic":
            shared = stand_in(study, trial, estimates)
        else:
            shared = anonymised(of, policy, study.privacy)
        files |= {f"data/{trial}/{name}": content for name, content in shared.as_files().items()}
    return files


def _manifest(
    folder: Path,
    study: Study,
    policy: Publication,
    source: Mapping[str, bytes],
    estimates: pd.DataFrame,
    files: Mapping[str, bytes],
) -> dict[str, Any]:
    plan = read_plan(folder / "config.yaml", study)
    return {
        "bundle_version": BUNDLE_VERSION,
        "title": study.study.title,
        "seed": study.study.seed,
        "program": {
            "name": "ipt-outcomes",
            "version": version(),
            "fingerprint": fingerprint_of(source),
        },
        "software": software(),
        "platform": platform_name(),
        "plan": {
            "locked_on": plan.locked_on,
            "sha256": plan.sha256,
            "deviations": [str(deviation) for deviation in plan.deviations],
        },
        "data": {
            "policy": policy.data,
            "smallest_group": study.privacy.smallest_group,
            "quasi_identifiers": study.privacy.quasi_identifiers,
            "withheld_columns": list(policy.withhold),
            "not_rebuilt": _not_rebuilt(policy, estimates, files),
        },
        "checksums": {
            path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())
        },
    }


def _not_rebuilt(
    policy: Publication, estimates: pd.DataFrame, files: Mapping[str, bytes]
) -> list[str]:
    """Find the numbers that others cannot rebuild because of columns that are withheld."""
    if policy.data == "synthetic":
        return ["*"]
    if not policy.withhold:
        return []
    with tempfile.TemporaryDirectory() as place:
        unpack({n: c for n, c in files.items() if n.startswith(("data/", "config/"))}, Path(place))
        rebuild(f"{place}/config/config.yaml", f"{place}/data", f"{place}/out")
        again = read(Path(place, "out", "estimates.parquet"))
    return [*unlike_rows(estimates, again), *further_rows(estimates, again)]


def platform_name() -> str:
    """Name what decides the pixels of a figure beside the program: system and processor."""
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
