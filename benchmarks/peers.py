"""What one would install instead: installed as their users do, into a folder that can be thrown away.

LiteLLM's proxy has its Redis cache and a master key, Portkey's gateway neither keys nor a cache in Redis.
Neither keeps a ledger here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks import asks
from benchmarks.gateways import Gateway
from benchmarks.house import House
from benchmarks.vendor import MODEL
from llmgateway.ports import free_port

LITELLM = "litellm[proxy]==1.106.0"
PORTKEY = "@portkey-ai/gateway@1.15.2"
MASTER_KEY = "sk-benchmark-0123456789abcdef0123456789abcdef"
"""It refuses a weak one."""
V1 = "/v1/chat/completions"
INSTALL_SECONDS = 900


def install(name: str, folder: Path) -> None:
    """Once: a folder that is there is taken as it is."""
    done = folder / name / "installed"
    if done.exists():
        return
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    if name == "litellm":
        _run(sys.executable, "-m", "venv", str(place))
        _run(str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", LITELLM)
    else:
        _run("npm", "install", "--silent", "--prefix", str(place), PORTKEY)
    done.touch()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=INSTALL_SECONDS)


@contextmanager
def litellm(house: House, folder: Path) -> Iterator[Gateway]:
    port = free_port()
    config = house.directory / "litellm.yaml"
    upstream = {"model": f"openai/{MODEL}", "api_base": f"{house.vendor}/v1", "api_key": "none"}
    # Its entries live a minute otherwise, and what should be a hit comes to the vendor amid a run.
    kept = {"type": "redis", "url": house.redis_url, "ttl": 3600}
    settings = {
        "model_list": [{"model_name": MODEL, "litellm_params": upstream}],
        "general_settings": {"master_key": MASTER_KEY},
        "litellm_settings": {"cache": True, "cache_params": kept},
    }
    config.write_text(json.dumps(settings))  # which is YAML, too
    child = house.child(
        "litellm",
        [
            str(folder / "litellm" / "bin" / "litellm"),
            *("--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
        ],
        port=port,
        # Without it the price list is fetched from the network at each start.
        environment={"PATH": os.environ["PATH"], "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        ready_within=180,
    )
    sent = {"Authorization": f"Bearer {MASTER_KEY}"}
    cases = {
        "hit": asks.same(asks.whole(sent, asks.openai, path=V1, cache=None)),
        "miss": asks.whole(sent, asks.openai, path=V1, cache=None),
    }
    with _running(Gateway(name="litellm", version=LITELLM, port=port, child=child, cases=cases)) as gateway:
        yield gateway


@contextmanager
def portkey(house: House, folder: Path) -> Iterator[Gateway]:
    port = free_port()
    server = folder / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    child = house.child(
        "portkey",
        ["node", str(server), f"--port={port}", "--headless"],
        port=port,
        environment={"PATH": os.environ["PATH"]},
    )
    sent = {
        "Authorization": "Bearer none",
        "x-portkey-provider": "google",
        "x-portkey-custom-host": f"{house.vendor}/v1beta",
    }
    cases = {
        "miss": asks.whole(sent, asks.openai, path=V1, cache=None),
        # It lets Gemini's streams end without OpenAI's mark.
        "stream": asks.streamed(sent, asks.openai, mark=b""),
    }
    with _running(Gateway(name="portkey", version=PORTKEY, port=port, child=child, cases=cases)) as gateway:
        yield gateway


@contextmanager
def _running(gateway: Gateway) -> Iterator[Gateway]:
    try:
        gateway.child.start()
        yield gateway
    finally:
        gateway.child.stop()


PEERS: dict[str, Callable[[House, Path], AbstractContextManager[Gateway]]] = {
    "litellm": litellm,
    "portkey": portkey,
}
