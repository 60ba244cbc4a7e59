"""How the gateway is served: `python -m llmgateway.serve [--host HOST] [--port PORT]`."""

import argparse
import sys

import uvicorn

from llmgateway import env, logs

GRACEFUL_SECONDS = 10
"""What running calls and streams get to finish once a stop is asked for."""


def main() -> None:
    try:
        environment = env.read()
    except env.InvalidEnvironment as error:
        sys.exit(f"llmgateway: {error}")
    options = argparse.ArgumentParser(description="Serves the gateway until SIGTERM.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=environment.port)
    chosen = options.parse_args()
    logs.configure(level=environment.log_level, form=environment.log_format)
    uvicorn.run(
        "llmgateway.asgi:application",
        host=chosen.host,
        port=chosen.port,
        workers=environment.web_workers,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=environment.max_body_bytes,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=75,
        backlog=1024,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
