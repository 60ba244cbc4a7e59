"""What an editor does in a browser, with the real system: edit, publish, split, try, roll back, collide."""

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from llmgateway.stack import Stack

CHROMIUM = Path("/usr/bin/chromium")
TEXT = "The sea is wide. Ships cross it every day. Storms come without warning. Sailors read the sky."

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}")

OpenPage = Callable[[], Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Of the module alone: while it is there, this thread has an event loop, and Django allows no ORM.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def session(stack: Stack, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of who has logged in."""
    page = chromium.new_page(base_url=stack.url)
    page.goto("/admin/login/?next=/admin/prompts_app/prompt/")
    page.get_by_label("Username").fill(stack.admin[0])
    page.locator("[name=password]").fill(stack.admin[1])
    page.locator("[name=password]").press("Enter")
    expect(page.locator("#result_list")).to_be_visible()
    path = tmp_path_factory.mktemp("browser") / "session.json"
    page.context.storage_state(path=path)
    page.close()
    return path


@pytest.fixture
def open_page(stack: Stack, chromium: Browser, session: Path) -> Iterator[OpenPage]:
    """An editor's own window on the list of prompts. Scripts that fail there fail the test."""
    complaints: list[str] = []
    contexts = []

    def opened() -> Page:
        context = chromium.new_context(
            base_url=stack.url, viewport={"width": 1360, "height": 860}, storage_state=session
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/admin/prompts_app/prompt/")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


@pytest.fixture
def name() -> str:
    return f"greeter-{secrets.token_hex(4)}"


@pytest.fixture
def prompt(page: Page, name: str) -> str:
    """A prompt with one draft; its page is open. Returns its address."""
    page.goto("/admin/prompts_app/prompt/add/")
    page.locator("[name=name]").fill(name)
    save(page)
    page.get_by_role("link", name=name).first.click()
    address = page.url
    write_version(page, "Say hello to {{name}}.")
    page.goto(address)
    return address


def save(page: Page) -> None:
    page.locator("[name=_save]").click()


def write_version(page: Page, text: str) -> None:
    page.get_by_role("link", name="New version").click()
    page.locator("[name=user]").fill(text)
    save(page)


def confirm(page: Page, button: str) -> None:
    page.get_by_role("link", name=button).first.click()
    page.get_by_role("button", name=button.split()[0]).click()


def publish_and_make_live(page: Page, address: str, label: str) -> None:
    page.goto(address)
    confirm(page, f"Publish {label}")
    confirm(page, f"Make live {label}")


def answer(stack: Stack, name: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {stack.key}"}
    sent = {"variables": {"name": "Grace"}, "user": secrets.token_hex(4)}
    return httpx.post(f"{stack.url}/prompts/{name}/chat", json=sent, headers=headers, timeout=20)


def test_the_editor_tells_variables_and_mistakes_while_one_types(page: Page, prompt: str) -> None:
    page.get_by_role("link", name="New version").click()
    told = page.locator("#prompt-check")
    page.locator("[name=user]").fill("Greet {{name}} in {{town}}.")
    expect(told).to_contain_text("name, town")
    page.locator("[name=variables]").fill('{"properties": {"name": {}}}')
    expect(told).to_contain_text("Cannot be published: variables: the schema does not declare town")


def test_a_stranger_sees_publish_at_once(page: Page, prompt: str) -> None:
    button = page.get_by_role("link", name="Publish v1")
    expect(button).to_be_in_viewport()
    assert "bg-primary-600" in (button.get_attribute("class") or ""), "it is the page's one strong button"


def test_a_draft_is_published_and_made_live_and_answers(
    stack: Stack, page: Page, prompt: str, name: str
) -> None:
    assert answer(stack, name).status_code == 404
    publish_and_make_live(page, prompt, "v1")
    expect(page.get_by_text("Live. Every worker follows within a second.")).to_be_visible()
    page.wait_for_timeout(1000)
    assert answer(stack, name).json()["prompt_version"] == "v1"


def test_traffic_is_split_and_rolled_back(page: Page, prompt: str) -> None:
    publish_and_make_live(page, prompt, "v1")
    write_version(page, "Greet {{name}} warmly.")
    page.goto(prompt)
    confirm(page, "Publish v2")
    page.get_by_role("link", name="Split traffic").click()
    page.get_by_label("v1 %").fill("90")
    page.get_by_label("v2 %").fill("10")
    page.get_by_role("button", name="Split traffic").click()
    legend = page.locator(".prompt-legend").first
    expect(legend).to_have_text(re.compile(r"v1 90 %\s*v2 10 %"))
    confirm(page, "Roll back")
    page.goto(prompt)
    expect(legend).to_have_text("v1")


def test_two_editors_collide_and_nothing_typed_is_lost(page: Page, prompt: str, open_page: OpenPage) -> None:
    page.get_by_role("link", name="v1", exact=True).first.click()
    other = open_page()
    other.goto(page.url)
    page.locator("[name=user]").fill("Hello {{name}}, says the first.")
    save(page)
    other.locator("[name=user]").fill("Hello {{name}}, says the second.")
    save(other)
    expect(other.get_by_text("changed meanwhile")).to_be_visible()
    expect(other.locator("[name=user]")).to_have_value("Hello {{name}}, says the second.")
    save(other)
    expect(other.get_by_text("changed successfully")).to_be_visible()


def test_versions_are_tried_side_by_side_and_the_input_kept(page: Page) -> None:
    page.get_by_role("link", name="summarizer").click()
    page.get_by_role("link", name="Try it").click()
    for label in ("v1", "v2"):
        page.locator(f"[name=version][value={label}]").check()
    page.get_by_label("text").first.fill(TEXT)
    page.get_by_role("button", name="Run").click()
    facts = page.locator(".prompt-facts")
    expect(facts).to_have_count(2)
    for number in range(2):
        expect(facts.nth(number)).to_have_text(
            re.compile(r"ms · \d+ → \d+.* tokens · \$0\.\d+"), timeout=15_000
        )
        expect(page.locator(".prompt-answer pre").nth(number)).not_to_be_empty()
    example = f"the sea {secrets.token_hex(3)}"
    page.get_by_label("name of the example").fill(example)
    page.get_by_role("button", name="Save as example").click()
    expect(page.get_by_text(f"Saved as “{example}”")).to_be_visible()
    page.reload()
    page.get_by_label("saved example").select_option(example)
    expect(page.get_by_label("text").first).to_have_value(TEXT)


def test_a_running_answer_can_be_stopped(page: Page) -> None:
    page.get_by_role("link", name="summarizer").click()
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("text").first.fill(f"{TEXT} [[fault: latency ms=20000]]")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Stop").first.click()
    expect(page.locator(".prompt-facts").first).to_have_text("stopped")


def test_a_mistake_in_the_input_is_told_beside_its_version(page: Page, prompt: str) -> None:
    page.get_by_role("link", name="v1", exact=True).first.click()
    page.locator("[name=variables]").fill('{"properties": {"name": {"minLength": 3, "type": "string"}}}')
    save(page)
    page.goto(prompt)
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("name", exact=True).fill("Al")
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".prompt-wrong .prompt-facts")).to_contain_text("name breaks the rule minLength 3")
