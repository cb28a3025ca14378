"""A server of files on this machine, with ranges, signatures and faults."""

import contextlib
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Served:
    """A folder under an address.

    Attributes:
        url: Of it.
        asked: (method, path, range) of each request.
        faults: How many of the next requests fail.
        query: What each must have behind its question mark; "" nothing.
    """

    def __init__(self, folder):
        self.folder, self.asked, self.faults, self.query = Path(folder), [], 0, ""
        self.url = ""

    def answer(self, handler, body=True):
        parts = urlsplit(handler.path)
        ranged = handler.headers.get("Range")
        self.asked.append((handler.command, parts.path, ranged))
        if self.faults > 0:
            self.faults -= 1
            return handler.send_error(503)
        if self.query and parts.query != self.query:
            return handler.send_error(403)
        path = self.folder / unquote(parts.path).lstrip("/")
        if path.is_dir():
            names = (p.name + "/" * p.is_dir() for p in sorted(path.iterdir()))
            content = "".join(f'<a href="{n}">{n}</a>\n' for n in names).encode()
        elif path.is_file():
            content = path.read_bytes()
        else:
            return handler.send_error(404)
        tag, whole = hashlib.sha256(content).hexdigest(), len(content)
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", ranged or "")
        handler.send_response(206 if found else 200)
        if found:
            first, last = int(found[1]), int(found[2] or whole - 1)
            content = content[first : last + 1]
            told = f"bytes {first}-{first + len(content) - 1}/{whole}"
            handler.send_header("Content-Range", told)
        handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if body:
            handler.wfile.write(content)
        return None


@contextlib.contextmanager
def served(folder):
    """Yields a `Served`."""
    state = Served(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            state.answer(self)

        def do_HEAD(self):
            state.answer(self, body=False)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
