"""An HTTPS host of pictures, and of what only pretends to be one."""

import ssl
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""One pixel, in Base64."""
PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/dot.png": (200, {"Content-Type": "image/png"}, b64decode(PNG)),
    "/page": (200, {"Content-Type": "text/html"}, b"<html>"),
    "/vector": (200, {"Content-Type": "image/svg+xml"}, b"<svg/>"),
    "/packed": (200, {"Content-Type": "image/png", "Content-Encoding": "gzip"}, b"\x1f\x8b"),
    "/moved": (302, {"Location": "/dot.png"}, b""),
    "/gone": (404, {"Content-Type": "image/png"}, b"gone"),
    "/large": (200, {"Content-Type": "image/png"}, bytes(6_000_000)),
    "/slow": (200, {"Content-Type": "image/png", "Content-Length": "10"}, b""),
}


@dataclass
class PictureHost:
    authority: str
    """Name and port."""
    certificates: Path
    """Of those who vouch for it, as `SSL_CERT_FILE` takes them."""
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"https://{self.authority}{path}"


@contextmanager
def picture_host(directory: Path) -> Iterator[PictureHost]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            status, headers, body = PAGES[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if self.path == "/slow":
                time.sleep(20)

        def log_message(self, *args: object) -> None:
            pass

    authority = trustme.CA()
    certificates = directory / "authority.pem"
    authority.cert_pem.write_to_path(str(certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads, server.block_on_close = True, False
    host = PictureHost(f"localhost:{server.server_port}", certificates)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
