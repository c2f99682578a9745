"""Story: the page in a browser, on a desk, on a telephone and on paper. Oracle: headless Chromium."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darknet_py.report.report import write_report
from tests.report.chromium import PROGRAM, Browser, chromium
from tests.report.comparison_folder import NAMES
from tests.report.errors.test_error_report import DrawnData, write
from tests.report.large_folder import write_large
from tests.report.numbers import PageText, missing_numbers
from tests.report.pictures_of import write_all

MOST_BYTES = 3_000_000
VARIANTS = (*NAMES, "yolov3-tiny-" + "long-" * 10 + "name", *(f"variant-{at}" for at in range(4)))
in_a_browser = pytest.mark.skipif(PROGRAM is None, reason="needs chromium")

# Of each table the texts of a column; of the page whether it is wider than its window.
COLUMN = (
    "[...document.querySelectorAll('table')[{table}].tBodies[0].rows].map(r => r.cells[{at}].textContent)"
)
WIDER = "document.documentElement.scrollWidth - innerWidth"
# Elements that reach over the right edge, outside of the boxes that scroll.
CUT = """[...document.querySelectorAll('body *')].filter(one =>
  !one.closest('.scroll > *, .plotbox > *, .samples > *, pre > *, .columns > *') &&
  one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 8 variants with 3 seeds."""
    folder = write_large(tmp_path_factory.mktemp("large") / "out", VARIANTS, seeds=3, samples=4)
    write_all(folder, range(200), names=VARIANTS, seeds=(0, 1, 2), noise=20.0)
    return write_report(folder)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about the errors of a detector."""
    return write(tmp_path_factory.mktemp("errors"), DrawnData(("cat", "dog", "zebra"), ("a.jpg", "b.jpg")))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def twin(page: Path) -> Any:
    names = (page.with_suffix(".json"), page.with_suffix(".report.json"))
    return json.loads(next(name for name in names if name.exists()).read_text())


def without_curves(value: Any) -> Any:
    """Their many values would hide that others are missing; they are not in the text."""
    return {key: one for key, one in value.items() if key != "curves"}


def test_the_page_of_8_variants_with_3_seeds_has_at_most_3_MB(large: Path) -> None:
    assert 100_000 < large.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("name", ["large", "errors"])
def test_every_number_of_the_page_is_in_its_json(name: str, request: pytest.FixtureRequest) -> None:
    page: Path = request.getfixturevalue(name)
    assert dict(missing_numbers(page, without_curves(twin(page)))) == {}
    assert len(" ".join(PageText(page).lines)) > 3000


def test_a_number_that_the_json_has_not_is_found(large: Path) -> None:
    value = without_curves(twin(large))
    for variant in value["variants"]:
        variant["ap"] = dict.fromkeys(variant["ap"])
    value["verdicts"] = [one | {"effect": None} for one in value["verdicts"]]
    first = twin(large)["variants"][0]["ap"]
    printed = f"{100 * first['mean']:.1f}"
    assert printed in {number for number, _ in missing_numbers(large, value)}


@pytest.mark.parametrize("name", ["large", "errors"])
def test_the_policy_allows_the_one_script_and_no_other(name: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(name).read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text
    assert text.count("<script") == 1
    assert not re.search(r"\beval\b|innerHTML|https?:|fetch\(|import\(", script.replace("w3.org", ""))


@in_a_browser
@pytest.mark.parametrize("name", ["large", "errors"])
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (320, True)])
def test_the_console_stays_empty_and_nothing_is_wider_than_the_window(
    browser: Browser, name: str, width: int, dark: bool, request: pytest.FixtureRequest
) -> None:
    browser.open(request.getfixturevalue(name), width=width, dark=dark)
    assert browser.evaluate(WIDER) <= 0
    assert browser.evaluate(CUT) == []
    sticky = "Math.max(...[...document.querySelectorAll('.scroll tbody th')].map(one => one.offsetWidth))"
    assert browser.evaluate(sticky) <= max(0.5 * width, 150)  # so that numbers have room next to a long name
    assert browser.messages == []
    assert browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        "rgb(21, 24, 29)" if dark else "rgb(255, 255, 255)"
    )


@in_a_browser
def test_the_canary_of_a_message_is_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><script>1</script>"
    )
    browser.open(page)
    browser.evaluate("1")
    assert any("Content Security Policy" in one for one in browser.messages)
    browser.messages.clear()


@in_a_browser
def test_a_column_is_sorted_by_its_heading_down_up_and_back(browser: Browser, large: Path) -> None:
    browser.open(large)
    names, points = COLUMN.format(table=0, at=0), COLUMN.format(table=0, at=2)
    before = browser.evaluate(names)
    browser.evaluate("document.querySelectorAll('thead .sort')[2].focus()")
    orders = []
    for order in ("descending", "ascending", None):
        browser.press("Enter")
        numbers = [float(re.sub("[^0-9.].*", "", one.lstrip("▲ "))) for one in browser.evaluate(points)]
        orders.append(numbers)
        assert browser.evaluate("document.querySelectorAll('thead th')[2].getAttribute('aria-sort')") == order
    assert orders[0] == sorted(orders[0], reverse=True) != orders[2]
    assert orders[1] == sorted(orders[0])
    assert browser.evaluate(names) == before


@in_a_browser
def test_what_is_missing_is_sorted_last_and_words_by_their_letters(browser: Browser, errors: Path) -> None:
    browser.open(errors)
    at = browser.evaluate("[...document.querySelectorAll('table')].findIndex(t => /n.a/.test(t.textContent))")
    column = COLUMN.format(table=at, at=3)
    click = f"document.querySelectorAll('table')[{at}].querySelectorAll('.sort')[3].click()"
    for _ in range(2):
        browser.evaluate(click)
        assert browser.evaluate(column)[-2:] == ["n/a", "n/a"]
    browser.evaluate(click.replace("[3].click", "[0].click"))
    assert browser.evaluate(COLUMN.format(table=at, at=0)) == ["1 to 3", "4 to 10", "11 or more", "none"]


@in_a_browser
def test_a_column_is_hidden_and_shown_again_by_the_keyboard(browser: Browser, large: Path) -> None:
    browser.open(large)
    browser.evaluate("document.querySelector('.columns summary').focus()")
    browser.press("Enter")
    browser.press("Tab")
    hidden = "[...document.querySelector('table').rows].map(row => row.cells[1].checkVisibility())"
    for shown in (False, True):
        browser.press(" ")
        assert set(browser.evaluate(hidden)) == {shown}
    assert browser.evaluate("document.querySelector('.columns label').textContent").strip() == "seeds"


@in_a_browser
def test_the_pointer_shows_the_values_of_forest_dots_and_curves(browser: Browser, large: Path) -> None:
    value = twin(large)
    browser.open(large)
    tip = "document.querySelector('.tip').hidden ? '' : document.querySelector('.tip').textContent"
    for at, kind in ((0, "rect"), (1, "rect"), (2, "polyline")):
        mark = f"document.querySelectorAll('.marks')[{at}].querySelector('{kind}')"
        browser.evaluate(f"document.querySelectorAll('.marks')[{at}].scrollIntoView({{block: 'center'}})")
        place = (
            f"(box => [box.left + box.width / 2, box.top + box.height / 2])({mark}.getBoundingClientRect())"
        )
        if kind == "polyline":
            place = f"""(svg => {{
              const [x, y] = svg.querySelector('polyline').getAttribute('points').split(' ')[0].split(',');
              const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
              return [box.left + x * scale, box.top + y * scale];
            }})(document.querySelectorAll('.marks')[{at}])"""
        browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
        browser.move(*browser.evaluate(place))
        text = browser.evaluate(tip)
        if at == 0:
            first = value["verdicts"][0]
            assert text.startswith(first["variant"])
            assert f"{100 * first['effect']:+.1f} AP, 95 % interval" in text.replace("\N{MINUS SIGN}", "-")
        elif at == 1:
            assert text.startswith("yolov3-tiny, seed ")
            assert re.search(r"AP 4[0-9]\.\d\d$", text)
        else:
            assert re.search(r", seed \d\nepoch [\d.]+: loss [\d.]+$", text)
    browser.press("Escape")


@in_a_browser
def test_the_keyboard_walks_along_a_curve_and_to_the_next(browser: Browser, large: Path) -> None:
    browser.open(large)
    browser.evaluate("document.querySelectorAll('.marks')[2].focus({focusVisible: true})")
    tip = "document.querySelector('.tip').textContent"
    first = browser.evaluate(tip)
    browser.press("ArrowRight")
    second = browser.evaluate(tip)
    browser.press("ArrowDown")
    third = browser.evaluate(tip)
    assert first.split("\n")[0] == second.split("\n")[0]
    assert ": loss " in second
    assert ": AP50 " in third
    epochs = [float(re.findall(r"epoch ([\d.]+)", one)[0]) for one in (first, second)]
    assert epochs[0] < epochs[1]
    browser.press("Escape")
    assert browser.evaluate("document.querySelector('.tip').hidden")


@in_a_browser
@pytest.mark.parametrize("name", ["large", "errors"])
def test_paper_is_light_and_nothing_is_cut(
    browser: Browser, name: str, request: pytest.FixtureRequest
) -> None:
    browser.open(request.getfixturevalue(name), width=688, dark=True)  # A4 between its margins
    browser.emulate(media="print", dark=True)
    assert browser.evaluate("getComputedStyle(document.documentElement).color") == "rgb(36, 41, 47)"
    assert browser.evaluate(WIDER) <= 0
    wide = "[...document.querySelectorAll('body *')].filter(one => one.checkVisibility() && "
    wide += "one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"
    assert browser.evaluate(wide) == []
    high = "Math.max(...[...document.querySelectorAll('img')].map(one => one.getBoundingClientRect().height))"
    assert browser.evaluate(high) <= 1009  # pixels of A4 between its margins
    assert browser.pdf(preferCSSPageSize=True).startswith(b"%PDF")
    assert browser.messages == []
    browser.emulate()


@in_a_browser
def test_without_the_script_the_page_has_its_text_and_no_dead_buttons(browser: Browser, large: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(large)
        assert browser.evaluate("document.querySelectorAll('button, .columns, [tabindex]').length") == 0
        assert browser.evaluate("document.querySelectorAll('.marks title').length") > 20
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
