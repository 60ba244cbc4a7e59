"""The admin in a real browser: what was stored is text, and every page lives with its policy."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from llmgateway.env import ROOT
from llmgateway.stack import Stack
from llmgateway.tests.security.payloads import MARKUP

CHROMIUM = Path("/usr/bin/chromium")
OF_A_KIND = 3
"""Pages of rows: so many of one kind are opened. Of a list one, whatever its filters."""
AT_MOST = 150
LEAVING = re.compile(r"/(logout|jsi18n|autocomplete)/|/(export|download)")

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}")

WATCH = """
window.hits = [];
window.hit = (number) => { window.hits.push(number); window.told(number); };
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass
class Walk:
    """What was seen on the way through the admin."""

    pages: dict[str, int] = field(default_factory=dict)
    """Address -> HTTP status."""
    hits: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def planted(own_stack: Stack) -> Stack:
    command = [sys.executable, "-m", "llmgateway.tests.security.plant"]
    environment = own_stack.env | {"DJANGO_SETTINGS_MODULE": "llmgateway.settings"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return own_stack


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def seen(planted: Stack, chromium: Browser) -> Iterator[Walk]:
    """A walk through all of the admin and the docs, of a superuser."""
    walk = Walk()
    page = watched(planted, chromium, walk)
    log_in(page, planted)
    explore(page, walk)
    yield walk
    page.context.close()


def watched(stack: Stack, chromium: Browser, walk: Walk) -> Page:
    """A page that tells `walk` what runs, what is refused and what fails."""
    context = chromium.new_context(base_url=stack.url)
    page = context.new_page()
    context.expose_function("told", lambda number: walk.hits.append(f"{page.url}: payload {number}"))
    context.expose_function("refused", lambda what: walk.refusals.append(f"{page.url}: {what}"))
    context.add_init_script(WATCH)
    page.on("pageerror", lambda error: walk.errors.append(f"{page.url}: {error}"))
    page.on("dialog", lambda dialog: dialog.dismiss())
    return page


def log_in(page: Page, stack: Stack) -> None:
    page.goto("/admin/login/?next=/admin/")
    page.locator("[name=username]").fill(stack.admin[0])
    page.locator("[name=password]").fill(stack.admin[1])
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/admin/")


def explore(page: Page, seen: Walk) -> None:
    """Opens every page that links lead to, a few of each kind."""
    waiting, kinds = ["/admin/", "/docs/"], Counter[str]()
    while waiting and len(seen.pages) < AT_MOST:
        address = waiting.pop(0)
        kind = kind_of(address)
        if address in seen.pages or kinds[kind] >= (OF_A_KIND if "…" in kind else 1):
            continue
        kinds[kind] += 1
        try:
            response = page.goto(address, wait_until="load")
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            continue
        seen.pages[address] = response.status if response else 0
        page.mouse.move(300, 300)
        waiting += links(page)


def links(page: Page) -> list[str]:
    """Addresses of the admin on the page, each once."""
    found: list[str] = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    urls = dict.fromkeys(urlsplit(urljoin(page.url, link)) for link in found if not link.startswith("#"))
    here = urlsplit(page.url).netloc
    return [
        url._replace(scheme="", netloc="", fragment="").geturl()
        for url in urls
        if url.netloc == here and url.path.startswith("/admin/") and not LEAVING.search(url.path)
    ]


def kind_of(address: str) -> str:
    """The address without what names a row and without its query."""
    return re.sub(r"/(c?\d+|[0-9a-f-]{36}|[a-z0-9]{12}|\d+-\d+)(?=/)", "/…", urlsplit(address).path)


def test_the_walk_came_everywhere(seen: Walk) -> None:
    assert len(seen.pages) > 50
    assert any("/ship/" in address for address in seen.pages), "not even to an experiment's last page"
    assert {address: status for address, status in seen.pages.items() if status != 200} == {}


def test_the_watch_sees_what_is_stopped_and_what_is_run(planted: Stack, chromium: Browser) -> None:
    walk = Walk()
    page = watched(planted, chromium, walk)
    page.goto("/admin/login/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=hit(1)>')")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<div x-data x-init=hit(2)></div>')")
    page.wait_for_function("window.hits.length > 0")
    page.context.close()
    assert [hit.rsplit(" ", 1)[1] for hit in walk.hits] == ["2"]
    assert "script-src-attr inline" in walk.refusals[0]


def test_nothing_that_was_stored_is_run(seen: Walk) -> None:
    assert seen.hits == []


def test_no_page_holds_what_its_policy_refuses(seen: Walk) -> None:
    """Neither a script of ours that would not run, nor one that somebody stored and the policy stopped."""
    assert seen.refusals == []


def test_no_script_fails(seen: Walk) -> None:
    assert seen.errors == []


def test_what_a_model_says_is_text_in_the_playground(planted: Stack, chromium: Browser) -> None:
    walk = Walk()
    page = watched(planted, chromium, walk)
    log_in(page, planted)
    page.goto("/admin/prompts_app/prompt/")
    page.get_by_role("link", name="parrot", exact=True).click()
    page.goto(f"{page.url.removesuffix('change/')}try/")
    page.locator("[data-variable=text]").fill("\n".join(MARKUP))
    page.locator("#playground-name").fill(MARKUP[6])
    page.get_by_text("Save as example").click()
    expect(page.locator("#playground-note")).to_have_text(f"Saved as “{MARKUP[6]}”.")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".prompt-answer .prompt-facts")).to_contain_text("tokens")
    answer = page.locator(".prompt-answer .prompt-text").inner_text()
    page.context.close()
    assert [text for text in MARKUP if text not in answer] == []
    assert (walk.hits, walk.refusals, walk.errors) == ([], [], [])
