"""A system full of secrets, and everything that can go wrong with it: what came out, to look for them."""

import os
import re
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import redis
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from gateway_app.testing.capture import CaptureServer
from llmgateway import embedded
from llmgateway.stack import Stack
from llmgateway.tests.security.conftest import another
from llmgateway.tests.security.echoing_vendor import WAYS, echoing_vendor

MODELS = ("gemini-2.5-flash", "gpt-5-mini", "claude-haiku-4-5")
PLACES = (
    *("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LANGFUSE_SECRET_KEY", "METRICS_TOKEN"),
    *("SECRET_KEY", "OTLP_HEADER", "DATABASE_URL", "REDIS_URL", "COOKIE", "X_API_KEY", "X_GOOG_API_KEY"),
    *("BEARER", "FRAME", "QUERY"),
)
CANARY = {place: f"canary-{place.lower()}-{secrets.token_hex(12)}" for place in PLACES}
"""Place -> the secret that is planted there."""
AT_MOST = 1
"""Pages of the admin of one kind."""
UNASKED_FOR = {
    "Cookie": f"sessionid={CANARY['COOKIE']}; csrftoken={CANARY['COOKIE']}",
    "X-Api-Key": CANARY["X_API_KEY"],
    "X-Goog-Api-Key": CANARY["X_GOOG_API_KEY"],
}
"""Headers of other vendors' clients, sent with everything."""


@dataclass
class Walk:
    """A running system and what it was heard to say."""

    stack: Stack
    directory: Path
    vendor: list[str]
    """What the vendor was sent."""
    traces: tuple[CaptureServer, ...]
    replies: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.stack.key}"} | UNASKED_FOR | options.pop("headers", {})
        response = httpx.request(method, self.stack.url + path, headers=headers, timeout=20, **options)
        self.replies.append(f"{path} {response.status_code} {dict(response.headers)} {response.text}")
        return response

    def logs(self) -> dict[str, str]:
        """By file; bootstrap's holds the first key and password on purpose, for it shows them once."""
        files = (path for path in self.directory.glob("*.log") if path.stem != "bootstrap")
        return {path.name: path.read_text(errors="replace") for path in files}


def planted(directory: Path, undo: ExitStack) -> Walk:
    """Starts it; `undo` stops it."""
    vendor, seen = undo.enter_context(echoing_vendor())
    langfuse = undo.enter_context(CaptureServer(status=207))
    otlp = undo.enter_context(CaptureServer())
    stack = Stack(
        directory,
        environment=os.environ | _environment(vendor, langfuse=langfuse.url, otlp=otlp.url),
        database_url=_database(),
        redis_url=_redis(directory, undo),
        workers=1,
        routes={"GEMINI_BASE_URL": vendor, "GEMINI_API_KEY": CANARY["GEMINI_API_KEY"]},
    )
    stack.start()
    undo.callback(stack.stop)
    return Walk(stack, directory, seen, (langfuse, otlp))


def _environment(vendor: str, *, langfuse: str, otlp: str) -> dict[str, str]:
    own = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LANGFUSE_SECRET_KEY", "METRICS_TOKEN", "SECRET_KEY")
    return {name: CANARY[name] for name in own} | {
        "LOG_LEVEL": "DEBUG",
        "OPENAI_BASE_URL": f"{vendor}/v1",
        "ANTHROPIC_BASE_URL": vendor,
        "LANGFUSE_HOST": langfuse,
        "LANGFUSE_PUBLIC_KEY": "pk-public",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-team={CANARY['OTLP_HEADER']}",
        "REQUEST_TIMEOUT": "1",
        "FIRST_TOKEN_TIMEOUT": "0.5",
    }


def _database() -> str:
    url = another(os.environ["DATABASE_URL"], f"stack_{secrets.token_hex(4)}")
    return f"{url}{'&' if '?' in url else '?'}password={CANARY['DATABASE_URL']}"


def _redis(directory: Path, undo: ExitStack) -> str:
    """One that asks for a password."""
    server = embedded.redis(directory / "redis", log=directory / "redis.log", persistent=False)
    server.child.start()
    undo.callback(server.child.kill)
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", CANARY["REDIS_URL"])
    return server.url.replace("redis://", f"redis://:{CANARY['REDIS_URL']}@")


def go_wrong(walk: Walk) -> None:
    """Every way for a vendor to fail, on each wire; then bad keys, bodies, addresses and frames."""
    with ThreadPoolExecutor(8) as crowd:
        for model, way in product(MODELS, WAYS):
            text = f"[[say:{way}]]"
            said = {"model": model, "messages": [{"role": "user", "content": text}]}
            for path, body in (
                ("/chat", {"prompt": text, "model": model}),
                ("/chat/stream", {"prompt": text, "model": model, "max_tokens": 9}),
                ("/v1/chat/completions", said),
            ):
                crowd.submit(walk.ask, "POST", path, json=body)
    for path, sent in product(
        ("/v1/models", "/prompts", "/usage", "/metrics", "/nowhere"), ("", "Bearer ", "Basic ")
    ):
        walk.ask("GET", path, headers={"Authorization": sent + CANARY["BEARER"]})
    walk.ask("GET", f"/usage?api_key={CANARY['QUERY']}&group={CANARY['QUERY']}")
    walk.ask("GET", f"/prompts/-/changes?key={CANARY['QUERY']}")
    walk.ask("POST", "/chat", content=b"\xff{", headers={"Content-Type": "application/json"})
    walk.ask("GET", "/metrics", headers={"Authorization": f"Bearer {CANARY['METRICS_TOKEN']}"})
    for path in ("/health", "/health/ready", "/admin/login/", "/admin/nowhere/", "/docs/", "/schema/"):
        walk.ask("GET", path)
    _frames(walk)
    time.sleep(2.5)  # by then the ledger worker has stored the calls and sent their traces


def _frames(walk: Walk) -> None:
    """Keys that are wrong, said on a socket in each of its three ways."""
    address, wrong = f"{walk.stack.ws_url}/ws/chat", CANARY["FRAME"]
    ways: tuple[dict[str, Any], ...] = (
        {"additional_headers": {"Authorization": f"Bearer {wrong}"}},
        {"subprotocols": [f"bearer.{wrong}"]},
        {},
    )
    for way in ways:
        with suppress(WebSocketException, TimeoutError), connect(address, **way) as socket:
            socket.send(f'{{"type": "auth", "key": "{wrong}"}}')
            while True:
                walk.replies.append(str(socket.recv(timeout=1)))


def admin_pages(stack: Stack) -> dict[str, str]:
    """Every page that a superuser comes to by links, a few of a kind."""
    found: dict[str, str] = {}
    with httpx.Client(base_url=stack.url, timeout=20, follow_redirects=True) as client:
        form = {"username": stack.admin[0], "password": stack.admin[1], "next": "/admin/"}
        form["csrfmiddlewaretoken"] = client.get("/admin/login/").cookies["csrftoken"]
        waiting, kinds = [str(client.post("/admin/login/", data=form).url)], Counter[str]()
        while waiting:
            address = urljoin(stack.url, waiting.pop(0))
            kind = re.sub(r"[0-9a-f-]{36}|\d+|\?.*", "…", address)
            if address in found or not address.startswith(f"{stack.url}/admin/") or kinds[kind] >= AT_MOST:
                continue
            kinds[kind] += 1
            found[address] = client.get(address).text
            links = re.findall(r'href="([^"#]+)', found[address])
            waiting += [urljoin(address, unescape(link)) for link in links if "logout" not in link]
    return found
