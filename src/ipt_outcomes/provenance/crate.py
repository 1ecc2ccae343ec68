"""The bundle's description as a Workflow Run RO-Crate (Process Run 0.5, Workflow Run 0.5).

RO-Crate 1.1 (Soiland-Reyes et al. 2022, Data Science 5:97); Workflow Run RO-Crate (Leo et al. 2024,
PLOS ONE 19:e0309210): the workflow, the run that made the results, its inputs and outputs.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

WORKFLOW = "code/Snakefile"
PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
FORMATS = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".html": "text/html",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
    ".cff": "application/yaml",
    ".rst": "text/x-rst",
    ".txt": "text/plain",
}


def crate_metadata(
    *,
    title: str,
    description: str,
    date: datetime.date,
    licence: str,
    version: str,
    files: Mapping[str, str],
) -> bytes:
    """Return ``ro-crate-metadata.json``.

    Parameters
    ----------
    title, description, date, licence
        Of the bundle.
    version
        Of the program.
    files
        Path in the bundle: what it is.
    """
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    when = datetime.datetime.combine(date, datetime.time(), datetime.UTC)
    crate = ROCrate(version="1.1")
    crate.name, crate.description, crate.datePublished = title, description, when
    terms = f"https://spdx.org/licenses/{licence}"
    crate.add(ContextEntity(crate, terms, {"@type": "CreativeWork", "name": licence}))
    crate.license = {"@id": terms}
    for profile in PROFILES:
        crate.add(
            ContextEntity(
                crate,
                profile,
                {"@type": "CreativeWork", "name": profile, "version": profile.rsplit("/", 1)[1]},
            )
        )
    crate.root_dataset["conformsTo"] = [{"@id": profile} for profile in PROFILES]
    authors = crate.add(
        ContextEntity(crate, "#authors", {"@type": "Organization", "name": "Authors of the study"})
    )
    language = crate.add(
        ContextEntity(
            crate,
            "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
            {
                "@type": "ComputerLanguage",
                "name": "Snakemake",
                "identifier": {"@id": "https://snakemake.github.io/"},
                "url": {"@id": "https://snakemake.github.io/"},
            },
        )
    )
    crate.root_dataset["author"] = {"@id": authors.id}
    inputs, outputs = [], []
    for path, what in sorted(files.items()):
        entity = crate.add_file(dest_path=path, source=None, properties=_properties(path, what))
        if path == WORKFLOW:
            entity["programmingLanguage"] = {"@id": language.id}
            entity["version"] = version
            entity["license"] = {"@id": "https://spdx.org/licenses/BSD-3-Clause"}
            crate.root_dataset["mainEntity"] = {"@id": path}
        elif path.startswith(("data/", "config/")):
            inputs.append({"@id": path})
        elif path.startswith("results/"):
            outputs.append({"@id": path})
    crate.add(
        ContextEntity(
            crate,
            "https://spdx.org/licenses/BSD-3-Clause",
            {"@type": "CreativeWork", "name": "BSD-3-Clause"},
        )
    )
    run = crate.add(
        ContextEntity(
            crate,
            "#run",
            {
                "@type": "CreateAction",
                "name": "The run of the workflow that made the results",
                "endTime": when.isoformat(),
                "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
                "instrument": {"@id": WORKFLOW},
                "agent": {"@id": authors.id},
                "object": inputs,
                "result": outputs,
            },
        )
    )
    crate.root_dataset["mentions"] = [{"@id": run.id}]
    content: dict[str, Any] = crate.metadata.generate()
    content["@graph"] = sorted(content["@graph"], key=lambda entity: str(entity["@id"]))
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode("utf-8")


def _properties(path: str, what: str) -> dict[str, Any]:
    kind = FORMATS.get(PurePosixPath(path).suffix)
    properties: dict[str, Any] = {"name": PurePosixPath(path).name, "description": what}
    if path == WORKFLOW:
        properties["@type"] = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
        properties["name"] = "The workflow, from a trial's export to its report"
    if kind is not None:
        properties["encodingFormat"] = kind
    return properties
