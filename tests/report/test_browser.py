"""The report in a real browser: no network, two widths, search, folding, charts, keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="needs Chromium on the machine (Debian: apt-get install chromium)"
)

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=BROWSER,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def file(html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html, "utf-8")
    return path


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Any]:
    """A page that fails the test when anything is asked of the network or goes wrong in it."""
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    page.on("request", lambda request: request.url.startswith(("file:", "data:"))
            or wrong.append(request.url))  # fmt: skip
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type in ("error", "warning")
            and wrong.append(message.text))  # fmt: skip
    page.goto(file.as_uri())
    yield page
    page.close()
    assert not wrong


def test_nothing_scrolls_sideways_with_everything_open(opened: Any) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    opened.wait_for_function(
        "[...document.querySelectorAll('[data-chart]')].every(c => c.dataset.drawn === 'done')"
    )
    for width in (1600, 400):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate(OVERFLOW) == 0
    assert opened.evaluate("[...document.images].every(i => i.naturalWidth > 0)")


def test_filters_change_what_a_chart_draws(opened: Any) -> None:
    chart = opened.locator("#example-hamd17-explore")
    chart.locator("summary").click()
    marks = chart.locator("[aria-roledescription=point]")
    marks.first.wait_for()
    assert marks.count() == 15  # three arms at five visits
    chart.get_by_role("checkbox", name="IPT + medication").uncheck()
    opened.wait_for_function("document.querySelectorAll('#example-hamd17-explore "
                             "[aria-roledescription=point]').length === 10")  # fmt: skip
    chart.locator("select").select_option(label="Observed means: participants as randomised")
    opened.wait_for_function("document.querySelectorAll('#example-hamd17-explore "
                             "[aria-roledescription=point]').length > 10")  # fmt: skip


def test_search_finds_and_opens_what_is_folded(opened: Any) -> None:
    opened.keyboard.press("/")
    opened.keyboard.type("observed bdi-ii")
    found = opened.locator("#found a")
    found.first.wait_for()
    assert "place" in opened.locator("#found-status").inner_text()
    inside = opened.locator("#found a", has_text="Table S").first
    inside.click()
    assert opened.evaluate("document.activeElement.closest('details').open")
    opened.locator("#search").fill("zzzz")
    opened.get_by_text("Nothing found").wait_for()


def test_links_and_colours_work_from_the_keyboard(opened: Any) -> None:
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "main"
    opened.locator("nav a", has_text="Limitations").click()
    assert opened.evaluate("location.hash") == "#limitations"
    dark = []
    for _ in range(3):
        opened.locator("#theme").focus()
        opened.keyboard.press("Enter")
        dark.append(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert dark == ["rgb(255, 255, 255)", "rgb(20, 23, 26)", "rgb(255, 255, 255)"]


def test_no_accessibility_rule_is_broken(opened: Any) -> None:
    package = pytest.importorskip(
        "axe_playwright_python", reason="needs axe-playwright-python, which carries axe-core"
    )
    opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    opened.evaluate((Path(package.__file__).parent / "axe.min.js").read_text("utf-8"))
    for theme in ("light", "dark"):
        opened.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        broken = opened.evaluate("axe.run().then(r => r.violations.map(v => v.id + ' ' + v.help))")
        assert not broken
