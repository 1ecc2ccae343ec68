"""The example's whole results may be published, as they are."""

from __future__ import annotations

from ipt_outcomes.provenance.archive import unzipped
from ipt_outcomes.provenance.bundle import publish
from ipt_outcomes.provenance.integrity import integrity, read_manifest


def test_results_of_a_whole_run_break_no_rule_of_disclosure(finished, tmp_path):
    made = publish(finished.path, tmp_path / "bundle.zip")
    files = unzipped(made.path)
    assert {check.status for check in integrity(files, read_manifest(files))} == {"pass"}
    assert "results/report.html" in files
    assert not any("person10" in content.decode("utf-8", "replace") for name, content in files.items()
                   if name.endswith((".csv", ".html", ".json")))  # fmt: skip
