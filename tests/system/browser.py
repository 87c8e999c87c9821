"""Chromium, which `.ci/run` installs, driven by the tests of the sandbox's page."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver

FLAGS = (
    "--headless",
    "--no-sandbox",  # it does not start as root otherwise, as in CI
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WATCH = """
    // an attack would call it
    window.harm = () => { window.harmed = true; };
    window.alert = window.harm;
    // all that the page sends and gets
    window.traffic = [];
    const real = window.fetch;
    window.fetch = async (address, options) => {
        const answer = await real(address, options);
        window.traffic.push([address, options.headers, await answer.clone().text()]);
        return answer;
    };
"""
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}


class Browser:
    """Chromium, with what the tests look at."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.run = driver.execute_script

    def show(self, size: str, url: str, *, scheme: str = "light", motion: str = "reduce") -> None:
        width, height = SIZES[size]
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        media = [{"name": name, "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        self.driver.get("about:blank")
        self.driver.get(url)

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def wait_for(self, script: str, *args: Any, seconds: float = 5.0) -> Any:
        """Wait until an expression is true, and return it."""
        return self.driver.execute_async_script(
            f"""
            const [limit, done] = [arguments[0], arguments[arguments.length - 1]];
            const args = [...arguments].slice(1, -1);
            const test = () => {{
                const found = (() => {script})();
                if (found || performance.now() > end) done(found); else setTimeout(test, 20);
            }};
            const end = performance.now() + limit;
            test();
            """,
            seconds * 1000,
            *args,
        )

    def wait_for_text(self, selector: str, text: str, seconds: float = 5.0) -> None:
        found = "document.querySelector(args[0])?.innerText.includes(args[1])"
        assert self.wait_for(found, selector, text, seconds=seconds), (selector, text)

    def check_that_all_is_well(self) -> None:
        """Nothing was reported, ran or was loaded that should not, and nothing is too wide."""
        logged = self.driver.get_log("browser")
        assert logged == [], logged
        width, available, harmed, tags, foreign = self.run(
            """return [
                document.scrollingElement.scrollWidth,
                innerWidth,
                window.harmed,
                [...document.querySelectorAll("body *")].map(({localName}) => localName),
                performance.getEntries().map(({name}) => name)
                    .filter((name) => /^[a-z]+:/.test(name) && !name.startsWith(origin)),
            ]"""
        )
        assert width <= available
        assert harmed is None
        assert not {"script", "img", "iframe", "svg", "style"} & set(tags)
        assert foreign == []


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """Start a browser whose files are in an empty folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    with webdriver.Chrome(options=options, service=service) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        yield Browser(driver)
