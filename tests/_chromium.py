"""Drives a headless Chromium over its debugging pipe: no port, no other package.

What a parser cannot see is asked here: errors of the console, how wide a page really is
on a phone, how long it takes until it is drawn, and how it looks.
"""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PIPE = ("--remote-debugging-pipe", "--headless=new", "--no-sandbox", "--disable-gpu")
_QUIET = ("--no-first-run", "--disable-extensions", "--disable-background-networking")
_FATAL = ("error", "assert")


def executable() -> str | None:
    """Returns where a Chromium is; None: nowhere."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A browser with one tab; a context manager.

    Args:
        path: Of the program.
        patience: Seconds that an answer may take.
    """

    def __init__(self, path: str, patience: float = 60.0):
        self.path, self.patience = path, patience
        self._number, self._session, self._left = 0, None, b""
        self.events = []

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        profile = self._stack.enter_context(
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        )
        # Away from 3 and 4, at which Chromium expects its ends.
        made = [*os.pipe(), *os.pipe()]
        moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in made]
        for end in made:
            os.close(end)
        theirs_in, self._out, self._in, theirs_out = moved

        def ends():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        command = [self.path, *_PIPE, *_QUIET, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            close_fds=False,  # what Python opens is not inherited anyway
            preexec_fn=ends,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        targets = self.call("Target.getTargets")["targetInfos"]
        tab = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *error):
        try:
            self._session = None
            with contextlib.suppress(OSError, TimeoutError):
                self.call("Browser.close")
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._in)
            os.close(self._out)
            self._stack.close()

    def call(self, method, **params):
        """Sends a command and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        end = time.monotonic() + self.patience
        while True:
            answer = self._next(end)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self, end):
        os.set_blocking(self._in, False)
        while b"\0" not in self._left:
            if time.monotonic() > end:
                raise TimeoutError(f"no answer in {self.patience:g} s")
            try:
                part = os.read(self._in, 1 << 20)
            except BlockingIOError:
                time.sleep(0.002)
                continue
            if not part:
                raise OSError("the browser has ended")
            self._left += part
        line, _, self._left = self._left.partition(b"\0")
        return json.loads(line)

    def open(self, address, width=1280, height=900, phone=False, dark=False, media=""):
        """Loads a page and returns the seconds until it was drawn."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1},
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.events.clear()
        begin = time.monotonic()
        self.call("Page.navigate", url=str(address))
        end = begin + self.patience
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next(end))
        # Two frames later what is in view has been painted.
        self.value(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
            "() => done(1))))"
        )
        return time.monotonic() - begin

    def value(self, expression):
        """Returns what an expression of JavaScript is on the page."""
        found = self.call(
            "Runtime.evaluate",
            **{"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def complaints(self):
        """Returns errors of the console since the page was opened."""
        self.value("1")  # whatever was said before has come when this is answered
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"]["text"])
            elif event.get("method") == "Log.entryAdded":
                entry = params["entry"]
                if entry["level"] in ("error", "warning"):
                    found.append(entry["text"])
            elif params.get("type") in _FATAL:  # Runtime.consoleAPICalled
                found.append(str(params["args"]))
        return found

    def requested(self):
        """Returns the addresses that were asked for, but data inside the page."""
        urls = [
            e["params"]["request"]["url"]
            for e in self.events
            if e.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith("data:")]

    def picture(self, path, whole=True):
        """Writes what is seen as a PNG; ``whole``: all of it, not a screenful."""
        clip = {}
        if whole:
            # Rows out of sight are not drawn before they are looked at.
            self.value(
                "document.head.insertAdjacentHTML('beforeend', "
                "'<style>* { content-visibility: visible !important }</style>')"
            )
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            height = min(size["height"], 12_000)
            area = {"x": 0, "y": 0, "width": size["width"], "height": height}
            clip = {"clip": {**area, "scale": 1}, "captureBeyondViewport": True}
        data = self.call("Page.captureScreenshot", format="png", **clip)["data"]
        Path(path).write_bytes(base64.b64decode(data))
