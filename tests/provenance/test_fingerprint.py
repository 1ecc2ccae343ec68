"""A fingerprint changes with the code that a rule uses, and with no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ipt_outcomes.provenance import fingerprint as module


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "ipt_outcomes"
    shutil.copytree(module.ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "ROOT", root)
    module._imports.cache_clear()
    yield root
    module._imports.cache_clear()


def edit(path: Path) -> None:
    path.write_text(path.read_text("utf-8") + "\n# edited\n", "utf-8")
    module._imports.cache_clear()


def test_an_edit_reaches_what_imports_it(package):
    before = {name: module.fingerprint(name) for name in ("ingest", "analyses.primary", "results")}
    edit(package / "mixed" / "likelihood.py")
    after = {name: module.fingerprint(name) for name in before}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"analyses.primary"}


def test_an_edit_of_a_reader_reaches_no_analysis(package):
    before = {name: module.fingerprint(name) for name in ("ingest", "analyses.primary", "report")}
    edit(package / "ingest" / "redcap.py")
    after = {name: module.fingerprint(name) for name in before}
    assert {name for name in before if before[name] != after[name]} == {"ingest"}


def test_imports_inside_functions_count(package):
    before = module.fingerprint("analyses.repeated")
    edit(package / "mixed" / "__init__.py")
    assert module.fingerprint("analyses.repeated") != before


def test_templates_beside_the_code_count(package):
    before = module.fingerprint("report")
    (package / "report" / "extra.txt").write_text("words", "utf-8")
    assert module.fingerprint("report") != before


def test_compiled_files_do_not_count(package):
    before = module.fingerprint("results")
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "results.cpython-311.pyc").write_bytes(b"x")
    assert module.fingerprint("results") == before


def test_a_name_that_is_no_module_is_refused():
    with pytest.raises(ValueError, match="not a module"):
        module.fingerprint("no_such_room")


def test_templates_of_another_part_do_not_count(package):
    before = module.fingerprint("ingest", "study"), module.fingerprint("report.quality_page")
    edit(package / "report" / "templates" / "style.css")
    after = module.fingerprint("ingest", "study"), module.fingerprint("report.quality_page")
    assert before[0] == after[0]
    assert before[1] != after[1]
