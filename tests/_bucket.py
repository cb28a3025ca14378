"""A bucket on this machine that speaks as much of S3 as s3fs asks for."""

import contextlib
import datetime
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_TIME = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


class Bucket:
    """Objects of a server, by ``BUCKET/KEY``.

    Attributes:
        url: Of the server.
        objects: See above.
        refuses: Whether nobody may write.
        conditional: Whether it heeds If-None-Match, as not every service does.
        asked: (method, path) of each request.
        environment: What a process needs to reach it.
    """

    def __init__(self):
        self.objects, self.asked, self.conditional = {}, [], True
        self.refuses = False
        self.url, self.lock = "", threading.Lock()

    @property
    def environment(self):
        return {
            "FSSPEC_S3_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # Checksums behind the content would have to be taken off it again.
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        }

    def put(self, key, content, condition):
        with self.lock:
            if condition == "*" and self.conditional and key in self.objects:
                return False
            self.objects[key] = content
            return True

    def listing(self, name, query):
        prefix = query.get("prefix", [""])[0]
        delimiter = query.get("delimiter", [""])[0]
        lines, folders = [], set()
        with self.lock:
            found = sorted(self.objects.items())
        for key, content in found:
            key = key.removeprefix(f"{name}/")
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            lines.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>"
                f"{_TIME.isoformat()}</LastModified><ETag>&quot;{_tag(content)}&quot;"
                f"</ETag><Size>{len(content)}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
        lines += [
            f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>"
            for f in sorted(folders)
        ]
        return (
            f"{_HEAD}<ListBucketResult><Name>{name}</Name><Prefix>{escape(prefix)}"
            f"</Prefix><KeyCount>{len(lines)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>false</IsTruncated>{''.join(lines)}</ListBucketResult>"
        ).encode()


def _tag(content):
    return hashlib.md5(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def say(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def refuse(self, status, code):
        text = f"{_HEAD}<Error><Code>{code}</Code><Message>no</Message></Error>"
        self.say(status, text.encode())

    def parts(self):
        parts = urlsplit(self.path)
        self.bucket.asked.append((self.command, parts.path))
        query = parse_qs(parts.query, keep_blank_values=True)
        return unquote(parts.path).strip("/"), query

    def do_GET(self):
        key, query = self.parts()
        if "/" not in key or "list-type" in query:
            return self.say(200, self.bucket.listing(key.partition("/")[0], query))
        return self.send_object(key)

    do_HEAD = do_GET

    def send_object(self, key):
        content = self.bucket.objects.get(key)
        if content is None:
            return self.refuse(404, "NoSuchKey")
        status, more = 200, {}
        if ranged := self.headers.get("Range"):
            first, _, last = ranged.removeprefix("bytes=").partition("-")
            end = min(int(last or len(content)), len(content) - 1)
            more = {"Content_Range": f"bytes {first}-{end}/{len(content)}"}
            status, content = 206, content[int(first) : end + 1]
        return self.say(
            status,
            content,
            ETag=f'"{_tag(self.bucket.objects[key])}"',
            Last_Modified="Wed, 01 Jan 2020 00:00:00 GMT",
            Content_Length=str(len(content)),
            **more,
        )

    def do_PUT(self):
        key, _ = self.parts()
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.bucket.refuses:
            return self.refuse(403, "AccessDenied")
        if self.bucket.put(key, content, self.headers.get("If-None-Match")):
            return self.say(200, ETag=f'"{_tag(content)}"')
        return self.refuse(412, "PreconditionFailed")

    def do_DELETE(self):
        key, _ = self.parts()
        self.bucket.objects.pop(key, None)
        return self.say(204)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def bucket_served():
    """Yields a `Bucket`."""
    bucket = Bucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    bucket.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
