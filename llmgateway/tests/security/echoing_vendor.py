"""A vendor that tells everybody what it was sent: the worst place for a key to go to."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ORDER = re.compile(r"\[\[say:(\w+)\]\]")
STATUSES = ("400", "401", "403", "404", "429", "500", "503", "504", "529")
WAYS = (*STATUSES, "page", "broken", "late", "cut", "event")
"""What a text may order by `[[say:<way>]]`: an error status, or another way for an answer to be none."""
LATE = 1.5
"""Seconds."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[str]

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        told = f"{self.path} {dict(self.headers)}"
        self.seen.append(told)
        found = ORDER.search(body)
        way = found[1] if found else "400"
        if way == "late":
            time.sleep(LATE)
        if way == "cut":
            self.close_connection = True
        elif way == "event":
            self._send(200, f"event: error\ndata: {json.dumps(error(400, told))}\n\n", "text/event-stream")
        elif way.isdigit():
            self._send(int(way), json.dumps(error(int(way), told)), "application/json")
        else:
            self._send(200, f'<html>{told}</html>{{"', "text/html" if way == "page" else "application/json")

    def _send(self, status: int, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(status, json.dumps(text)[:2000])
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", text[:200].replace("\n", " "))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent."""


def error(status: int, told: str) -> dict[str, Any]:
    """In the shapes of all three vendors at once."""
    inner = {"message": told, "code": status, "status": told, "type": told, "param": told, "details": [told]}
    return {"type": "error", "error": inner, "message": told, "request_id": told}


@contextmanager
def echoing_vendor() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was sent."""
    seen: list[str] = []
    handler = type("Handler", (_Handler,), {"seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
