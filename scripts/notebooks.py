"""Run every notebook on a finished study and write rendered copies, as `make notebooks` does.

Each runs in a kernel of its own, in the study's folder, from top to bottom; the notebooks stay
without outputs. The copies may show single participants' scores: they are not for sharing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]


def render(notebook: Path, study: Path, target: Path) -> None:
    """Run one notebook and write its rendered copy, which needs no network."""
    page = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory() as sockets:
        # By sockets that only this user can reach, not by network ports.
        private = Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
        where = {"metadata": {"path": str(study)}}
        NotebookClient(
            page, config=private, resources=where, timeout=300, record_timing=False
        ).execute()
    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    html, _ = exporter.from_notebook_node(page, resources={"metadata": {"name": notebook.stem}})
    target.mkdir(parents=True, exist_ok=True)
    part = target / f"{notebook.stem}.html.part"
    part.write_text(html, "utf-8")
    part.replace(target / f"{notebook.stem}.html")


def main(study: Path) -> int:
    """Render all notebooks; says which failed and where."""
    failed = 0
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        started = time.monotonic()
        try:
            render(notebook, study, study / "results" / "notebooks")
            print(f"{notebook.name}: {time.monotonic() - started:.0f} s")
        except CellExecutionError as error:
            failed += 1
            print(f"{notebook.name}: {error}", file=sys.stderr)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
