"""A person in front of the page: opens, clicks, waits until nothing is pending, and reads the screen."""

from __future__ import annotations


class Viewing:
    """The page of one server in one browser window."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, view="night", **state):
        query = "&".join(f"{name}={value}" for name, value in state.items())
        self.page.goto(f"{self.url}/#/{view}?{query}")
        # An address that differs only after the # does not load the page again.
        self.page.reload()
        return self.settle()

    def settle(self):
        self.page.locator("body[data-ready]").wait_for(state="attached")
        self.page.evaluate("window.viewer.idle")
        return self

    def get(self, testid):
        return self.page.get_by_test_id(testid)

    def click(self, testid, nth=0):
        self.get(testid).nth(nth).click()
        return self.settle()

    def choose(self, testid, value):
        box = self.get(testid)
        (box if box.evaluate("box => box.tagName") == "SELECT" else box.locator("select")).select_option(
            value
        )
        return self.settle()

    def press(self, key):
        self.page.keyboard.press(key)
        return self.settle()

    def text(self, testid, nth=0):
        return self.get(testid).nth(nth).inner_text()

    @property
    def state(self):
        return self.page.evaluate("window.viewer.state()")

    @property
    def pane(self):
        return self.state["panes"][0]

    def where(self, x, y, pane="one"):
        """Place in the window of the middle of a pixel of the frame."""
        return self.page.evaluate("([x, y, pane]) => window.viewer.where(x, y, pane)", [x, y, pane])

    def hover(self, x, y, pane="one"):
        self.page.mouse.move(*self.where(x, y, pane))
        return self.settle()

    def pin(self, x, y, pane="one"):
        self.page.mouse.click(*self.where(x, y, pane))
        return self.settle()

    def drag_box(self, x0, y0, x1, y1):
        """Mark the box from the middle of one pixel to that of another."""
        self.page.keyboard.down("Shift")
        self.page.mouse.move(*self.where(x0, y0))
        self.page.mouse.down()
        self.page.mouse.move(*self.where(x1, y1), steps=4)
        self.page.mouse.up()
        self.page.keyboard.up("Shift")
        return self.settle()

    def color(self, x, y, pane="one"):
        """Red, green and blue on the screen in the middle of a pixel of the frame."""
        return self.page.evaluate(
            """([x, y, name]) => {
                const [left, top] = window.viewer.where(x, y, name);
                const canvas = document.querySelector(`[data-testid=canvas-${name}]`);
                const box = canvas.getBoundingClientRect();
                const at = [(left - box.left) / box.width, (top - box.top) / box.height];
                const place = [Math.floor(at[0] * canvas.width), Math.floor(at[1] * canvas.height)];
                return [...canvas.getContext('2d').getImageData(...place, 1, 1).data].slice(0, 3);
            }""",
            [x, y, pane],
        )
