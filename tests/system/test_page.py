"""The sandbox's page in a real browser, which `.ci/run` installs."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.sandbox.test_markup import EXAMPLES
from tests.shell import TOKEN, Shell, served_with_page

from .browser import SIZES, Browser, started

# one browser at a time: it is said how soon something appears
pytestmark = pytest.mark.usefixtures("alone")

HOSTILE = "<script>harm()</script><img src=x onerror=harm()>\u202e\u2067 \u05d0&lt;b&gt; ${harm()}"
ADDED = (' dir="auto"', ' target="_blank" rel="noopener noreferrer"')


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser; what a test that failed left there is not the next one's."""
    yield chromium
    chromium.driver.get("about:blank")
    chromium.driver.get_log("browser")


@pytest.fixture
def site(shell: Shell) -> Iterator["Site"]:
    with served_with_page(shell) as (client, link):

        def run(*args: str) -> None:
            assert client.run(*args).code == 0, args

        yield run, link


Site = tuple[Callable[..., None], str]
ROOM_HEADING = "#room h2"
FOCUSED = "const {localName, innerText} = document.activeElement; return [localName, innerText]"


@pytest.mark.parametrize("size", SIZES)
def test_by_keyboard_to_a_chat_that_grows_by_itself(
    browser: Browser, site: Site, size: str
) -> None:
    run, link = site
    browser.show(size, f"{link}/rooms")
    browser.wait_for_text("#rooms", "kabelwerk users create --key kusanagi --name Motoko")
    run("users", "create", "--key", "kusanagi", "--name", "Motoko")
    run("users", "create", "--key", "batou", "--name", "Batou", "--hub", "section9")
    browser.wait_for_text("#rooms a", "Motoko")
    browser.run("window.loaded = 'once'")
    seen = []
    while not seen or seen[-1][0] != "input":
        browser.press(Keys.TAB)
        seen.append(browser.run(FOCUSED))
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle != 'none'")
        assert len(seen) < 10
    assert [name for name, _ in seen] == ["button", "a", "a", "a", "input"]
    browser.press("moto")
    browser.press(Keys.ARROW_DOWN)
    assert browser.run(FOCUSED)[1].startswith("Motoko")
    browser.press(Keys.ENTER)
    browser.wait_for_text(ROOM_HEADING, "Motoko")
    assert browser.wait_for("document.activeElement.localName === 'h2'")
    browser.wait_for_text(".chat .note", "kabelwerk messages post --hub section9 --room kusanagi")
    for number, user in enumerate(("kusanagi", "batou", "kusanagi")):
        text = f"Message **{number}**" + "\nand more" * 20
        run("messages", "post", "--room", "kusanagi", "--user", user, "--text", text)
        browser.wait_for_text("#chat", f"Message {number}", seconds=2)
    # the newest is on the screen, and a person who reads older ones is not disturbed
    bottom = "document.querySelector('#chat').lastElementChild.getBoundingClientRect().bottom"
    assert browser.wait_for(f"{bottom} <= innerHeight")
    browser.press(Keys.HOME)
    assert browser.wait_for(f"{bottom} > innerHeight")
    run("rooms", "update", "--room", "kusanagi", "--archived", "--hub-user", "batou")
    run("rooms", "update", "--room", "kusanagi", "--attributes", '{"ward": "7B"}')
    run("messages", "post", "--room", "kusanagi", "--user", "batou", "--text", "Last")
    browser.wait_for_text("#news", "New message from Batou")
    for text in ("Batou", "Archived", "7B"):
        browser.wait_for_text("aside", text)
    assert browser.run(f"return {bottom} > innerHeight")
    items = "[...document.querySelectorAll('#chat li:not(.day)')]"
    sides = f"return {items}.map(({{className}}) => className)"
    assert browser.run(sides) == ["own", "", "own", ""]
    run("users", "delete", "--key", "kusanagi", "--yes")
    browser.wait_for_text(ROOM_HEADING, "This room does not exist.")
    browser.driver.back()
    browser.wait_for_text("h2[tabindex]:focus", "Matching messages")
    assert browser.run("return window.loaded") == "once"
    browser.check_that_all_is_well()


@pytest.mark.parametrize("size", SIZES)
def test_foreign_text_does_no_harm(browser: Browser, site: Site, size: str) -> None:
    run, link = site
    long = (HOSTILE + "x" * 10_000)[:10_000]
    for key, name in (("u1", HOSTILE), ("u2", long), (HOSTILE.replace("/", "")[:300], long)):
        run("users", "create", "--exact-key", "--key", key, "--name", name)
    run("users", "create", "--key", "batou", "--name", long, "--hub", "section9")
    for key in ("u1", "u2"):
        attributes = json.dumps({HOSTILE: long, long: HOSTILE, "x": {HOSTILE: [HOSTILE] * 50}})
        change = ("--hub-user", "batou", "--attributes", attributes)
        run("rooms", "update", "--room", key, *change)
        for user in (key, "batou"):
            for text in (
                HOSTILE,
                long,
                " ".join(HOSTILE),
                f"[{HOSTILE}](https://x.example/{long})",
            ):
                run("messages", "post", "--room", key, "--user", user, "--text", text)
    browser.show("desktop", f"{link}/rooms")
    browser.wait_for_text("#latest", "harm()")
    # right-to-left text of a name stays in its place, even if it is not closed
    order = """
        return [...document.querySelectorAll("#latest .head")].map((head) => {
            const [, room, hub] = head.querySelectorAll("bdi");
            const boxes = [room, hub].map((part) => part.getBoundingClientRect());
            const [first, second] = boxes;
            return first.right <= second.left || first.bottom <= second.top;
        })"""
    assert set(browser.run(order)) == {True}
    browser.check_that_all_is_well()
    for view, selector in (
        ("requests", "#requests"),
        ("request/1", "#bodies"),
        ("rooms", "#rooms"),
        ("room/2", "#chat"),
        ("room/3", "#room"),
        ("users", "#users"),
        ("json/rooms/1", "#json"),
        ("json/messages/1", "#json"),
    ):
        browser.show(size, f"{link}/{view}")
        browser.wait_for_text(selector, "/api/users" if view == "requests" else "harm")
        browser.check_that_all_is_well()
    browser.show(size, f"{link}/room/1")
    browser.wait_for_text("#chat", "harm()")
    shown = browser.run("return document.querySelector('#chat .bubble').textContent")
    assert shown == HOSTILE
    browser.check_that_all_is_well()


SDK = "import kabelwerk.api; kabelwerk.api.create_user(key='batou', name='Batou')"
CURL = """
curl -sS --retry 20 -X PATCH "$KABELWERK_URL/api/users/batou" \
  -d "{\\"name\\": \\"J\\u00fcrgen $0\\"}" \
  -H "Kabelwerk-Token: $KABELWERK_API_TOKEN" -H 'Content-Type: application/json'
"""
CLI = ("users", "create", "--key", "kusanagi", "--name", "Motoko", "--retries", "9")


def opened(browser: Browser, user_agent: str, count: int, *texts: str) -> list[str]:
    """Wait for so many listed requests with these texts, open the latest, and return its bodies."""
    with_texts = "args.every((text) => one.innerText.includes(text))"
    found = f"[...document.querySelectorAll('#requests a')].filter((one) => {with_texts})"
    there = f"{found}.length === {count}"
    assert browser.wait_for(there, *texts, seconds=2), (user_agent, texts)
    browser.run(f"const args = [...arguments]; {found}[0].click()", *texts)
    browser.wait_for_text("main", user_agent)
    shown = browser.run("return [...document.querySelectorAll('pre')].map((one) => one.innerText)")
    browser.driver.back()
    browser.wait_for_text("h2[tabindex]:focus", "Requests")
    return shown


def choose(browser: Browser, control: str, value: str) -> set[str]:
    """Set a control, and return the texts of the rows that are left, once they have changed."""
    rows = "[...document.querySelectorAll('#requests a')].map((one) => one.innerText)"
    before = browser.run(f"return {rows}")
    browser.run(
        """const control = document.querySelector(arguments[0]);
        control.value = arguments[1];
        control.dispatchEvent(new Event("input"));""",
        control,
        value,
    )
    assert browser.wait_for(f"JSON.stringify({rows}) !== JSON.stringify(args[0])", before)
    return set(browser.run(f"return {rows}"))


def test_each_request_appears_soon_with_its_bodies(browser: Browser, shell: Shell) -> None:
    """Of the CLI, the official SDK and curl; a fault is marked, and the token is nowhere."""
    with served_with_page(shell, "--token", TOKEN, "--fault", "503:0.3", "--seed", "5") as (
        client,
        link,
    ):
        browser.show("desktop", link)
        browser.wait_for_text("main > [data-view=requests] .note", "No requests yet.")
        assert client.run(*CLI).code == 0
        sent, answered, command = opened(browser, "kabelwerk-cli/", 1, "POST", "201")
        assert json.loads(sent) == {"hub": None, "key": "kusanagi", "name": "Motoko"}
        assert json.loads(answered)["key"] == "kusanagi"
        sdk = [sys.executable, "-c", SDK]
        while subprocess.run(sdk, env=client.environment, stderr=-3, check=False).returncode:
            pass  # a fault
        sent, answered, command = opened(browser, "sdk-python/", 2, "POST", "201")
        assert json.loads(sent) == {"hub": None, "key": "batou", "name": "Batou"}
        assert json.loads(answered) == {"id": 2, "key": "batou", "name": "Batou"}
        curl = ["sh", "-c", CURL, TOKEN]
        subprocess.run(curl, env=client.environment, stdout=-3, stderr=-3, check=True)
        sent, answered, command = opened(browser, "curl/", 1, "PATCH", "200")
        assert sent == '{\n  "name": "J\u00fcrgen $KABELWERK_API_TOKEN"\n}'
        assert '"key": "batou"' in answered
        assert "Kabelwerk-Token: $KABELWERK_API_TOKEN" in command
        subprocess.run(["sh", "-c", command], env=client.environment, stdout=-3, check=True)
        assert all("Injected fault: 503" in row for row in choose(browser, "#status", "fault"))
        assert all("201" in row for row in choose(browser, "#status", "201"))
        assert len(choose(browser, "#status", "")) > 2
        assert all("PATCH" in row for row in choose(browser, "#method", "PATCH"))
        assert len(choose(browser, "#method", "")) > 2
        assert all("kusanagi" in row or "POST" in row for row in choose(browser, "#filter", "KUSA"))
        kept = """return JSON.stringify([document.documentElement.outerHTML, {...localStorage},
            {...sessionStorage}, document.cookie, performance.getEntries(), window.traffic])"""
        seen = browser.run(kept)
        assert "X-Sandbox-Key" in seen
        assert "batou" in seen
        assert TOKEN not in seen
        browser.check_that_all_is_well()


def test_what_a_request_changed_is_linked(browser: Browser, site: Site) -> None:
    run, link = site
    run("users", "create", "--key", "kusanagi", "--name", "Motoko")
    run("rooms", "update", "--room", "kusanagi", "--archived")
    browser.show("phone", link)
    browser.wait_for_text("#requests", "PATCH")
    browser.run("document.querySelector('#requests a').click()")
    browser.wait_for_text(".values", "Changed")
    browser.run("document.querySelector('.values a').click()")
    browser.wait_for_text(ROOM_HEADING, "Motoko")
    for text in ("kusanagi", "section9"):
        browser.wait_for_text("#room", text)
    allow = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", allow)
    browser.driver.find_element("css selector", "#room [data-copy]").click()
    browser.wait_for_text("#room [data-copy]", "Copied")
    copied = "navigator.clipboard.readText().then(arguments[0])"
    assert browser.driver.execute_async_script(copied) == "kusanagi"
    browser.driver.find_element("link text", "JSON").click()
    browser.wait_for_text("#json", '"archived": true')
    browser.driver.find_element("css selector", "main > [data-view=json] .back").click()
    browser.wait_for_text(ROOM_HEADING, "Motoko")
    browser.driver.find_element("css selector", "#room .back").click()
    browser.wait_for_text("#rooms", "Archived")
    browser.check_that_all_is_well()


AXE = "node_modules/axe-core/axe.min.js"
VIEWS = ("requests", "request/3", "rooms", "room/2", "users", "users/1", "json/messages/1")
RUN_AXE = """
    const done = arguments[0];
    axe.run({resultTypes: ["violations"]}).then(({violations}) => done(
        violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)])));"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, site: Site, size: str, scheme: str) -> None:
    axe = Path(AXE).read_text()
    run, link = site
    for key in ("kusanagi", HOSTILE.replace("/", "")[:300]):
        run("users", "create", "--exact-key", "--key", key, "--name", HOSTILE)
        for text in ("Hello", HOSTILE):
            run("messages", "post", "--exact-key", "--room", key, "--user", key, "--text", text)
    for view in VIEWS:
        browser.show(size, f"{link}/{view}", scheme=scheme)
        assert browser.wait_for("document.title !== 'Kabelwerk sandbox'"), view
        browser.run(axe)
        assert browser.driver.execute_async_script(RUN_AXE) == [], view
        browser.check_that_all_is_well()


CRAFTED = [
    "<p><script>harm()</script></p>",
    "<p><img src=x onerror=harm()>",
    '<a href="javascript:harm()">a</a>',
    '<a href="javascript://x.example/%0aharm()">a</a>',
    '<a href="data://x.example/">a</a>',
    "<a href='https://x.example' onclick=harm()>a</a>",
    '<p onclick="harm()">a</p>',
    '<a href="https://x.example/" onclick="harm()">a</a>',
    "<svg onload=harm()><style>*{}</style>",
    "</p></em><em><em><strong>" * 1000,
    "<p",
    "&#x3c;script&#x3e;",
]


def test_a_messages_html_is_shown_as_written(browser: Browser, site: Site) -> None:
    """The page reads HTML by itself, and knows the elements of the markup only."""
    run, link = site
    run("users", "create", "--key", "kusanagi", "--name", "Motoko")
    browser.show("desktop", f"{link}/rooms")
    browser.wait_for_text("#rooms a", "Motoko")
    inner = """
        const part = document.createElement("div");
        part.append(rendered(arguments[0]));
        document.body.append(part);
        return [part.innerHTML, [...part.querySelectorAll("*")].flatMap(
            (node) => [node.localName, ...node.getAttributeNames()])];"""
    for html in EXAMPLES.values():
        made, _ = browser.run(inner, html)
        for attribute in ADDED:
            made = made.replace(attribute, "")
        # a quotation mark in a text needs no escape
        assert made == html.replace("&quot;", '"').replace("&#39;", "'")
    for html in CRAFTED:
        _, names = browser.run(inner, html)
        known = {"p", "br", "em", "strong", "a", "dir", "href", "target", "rel"}
        assert set(names) <= known, html
        assert len(names) < 10
    links = "return [...document.links].map(({protocol}) => protocol)"
    assert set(browser.run(links)) <= {"http:", "https:"}
    browser.check_that_all_is_well()


def test_it_can_be_read_in_the_dark_and_without_motion(browser: Browser, site: Site) -> None:
    run, link = site
    run("users", "create", "--key", "kusanagi", "--name", "Motoko")
    run("messages", "post", "--room", "kusanagi", "--user", "kusanagi", "--text", "Hello")
    looks = {}
    for scheme in ("light", "dark"):
        browser.show("desktop", f"{link}/rooms", scheme=scheme, motion="no-preference")
        browser.wait_for_text("#latest", "Hello")
        looks[scheme] = browser.run(CONTRASTS)
        assert min(looks[scheme][1]) >= 4.5
        assert browser.run(ANIMATION) == "appear"
    assert looks["light"][0] != looks["dark"][0]
    browser.show("desktop", f"{link}/rooms", motion="reduce")
    browser.wait_for_text("#latest", "Hello")
    assert browser.run(ANIMATION) == "none"
    browser.check_that_all_is_well()


def test_it_needs_the_whole_link(browser: Browser, site: Site) -> None:
    run, link = site
    run("users", "create", "--key", "kusanagi", "--name", "Motoko")
    for address in (link.partition("#")[0], f"{link.partition('#')[0]}#\u20ac"):
        browser.show("phone", address)
        browser.wait_for_text("main", "Open the link from your terminal")
        browser.check_that_all_is_well()
    browser.driver.get(link)  # only the fragment changes: the page is not loaded again
    browser.wait_for_text("#requests a", "/api/users")
    browser.check_that_all_is_well()
    browser.driver.get(f"{link}x")
    browser.wait_for_text("main", "Open the link from your terminal")
    assert "/api/users" not in browser.run("return document.body.innerText")
    (refused,) = browser.driver.get_log("browser")
    assert "403" in refused["message"]


def test_it_says_when_the_sandbox_has_stopped(browser: Browser, shell: Shell) -> None:
    with served_with_page(shell) as (_, link):
        browser.show("desktop", link)
        browser.wait_for_text("#state", "Live")
    browser.wait_for_text("#state", "Disconnected")


ANIMATION = "return getComputedStyle(document.querySelector('#latest li:not(.day)')).animationName"
CONTRASTS = """
    const channels = (color) => color.match(/[0-9.]+/g).slice(0, 3).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    const light = (color) => {
        const [red, green, blue] = channels(color);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    const behind = (node) => {
        const color = getComputedStyle(node).backgroundColor;
        return color === "rgba(0, 0, 0, 0)" ? behind(node.parentElement) : color;
    };
    const texts = [...document.querySelectorAll("body *")].filter((node) =>
        node.checkVisibility() && [...node.childNodes].some(({data}) => data?.trim()));
    return [getComputedStyle(document.body).backgroundColor, texts.map((node) => {
        const [one, two] = [light(getComputedStyle(node).color), light(behind(node))];
        return Math.max(one, two) / Math.min(one, two);
    })];"""
