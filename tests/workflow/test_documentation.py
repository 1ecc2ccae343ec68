"""What the documentation tells people to type works on the finished example."""

from __future__ import annotations

import re

import pytest

from .conftest import ROOT

PAGES = sorted(
    path
    for path in (ROOT / "docs").rglob("*.md")
    if "_build" not in path.parts and "results/" in path.read_text("utf-8")
)


def examples(page: str) -> list[str]:
    """Examples of a page that read results; others stand in docstrings, where doctest runs them."""
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "results/" in block]


def test_there_are_examples() -> None:
    assert sum(len(examples(page.read_text("utf-8"))) for page in PAGES) >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_that_read_results_run(page, finished, monkeypatch, capsys) -> None:
    monkeypatch.chdir(finished.path)
    for block in examples(page.read_text("utf-8")):
        exec(compile(block, str(page), "exec"), {})
        assert capsys.readouterr().out.strip()
