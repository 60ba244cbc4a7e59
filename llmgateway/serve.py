"""How the gateway is served: `python -m llmgateway.serve [--host HOST] [--port PORT]`."""

import argparse
import contextlib
import socket
import sys

import uvicorn

from llmgateway import env, logs
from llmgateway.workers import Workers

GRACEFUL_SECONDS = 20
"""What running calls and streams get to finish once a stop is asked for."""
SEND_BUFFER = 256 * 1024
"""Bytes that the kernel holds for a slow reader (it doubles them); by itself it holds megabytes."""
RECEIVE_BUFFER = 1024 * 1024
"""The same for what is not read yet, so that the kernel does not take in a body that the gateway refuses."""


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
    config = uvicorn.Config(
        "llmgateway.asgi:application",
        host=chosen.host,
        port=chosen.port,
        workers=environment.web_workers,
        loop="uvloop",
        http="llmgateway.protocols:BoundedHttp",
        ws="llmgateway.protocols:PatientSocket",
        ws_max_size=environment.max_body_bytes,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,  # costs more than it saves on frames of a few words
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_worker_healthcheck=30,  # at 5 s, workers that start on a busy machine are killed for it
        timeout_keep_alive=75,
        backlog=1024,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    sys.exit(serve(config, listening(config, slow_reader_timeout=environment.slow_reader_timeout)))


def listening(config: uvicorn.Config, *, slow_reader_timeout: float) -> socket.socket:
    """The socket to accept on. Exits where the address is taken.

    Linux drops a connection whose other end takes nothing for so long (tcp(7), TCP_USER_TIMEOUT); accepted
    connections inherit it. Elsewhere a slow reader stays until he goes.
    """
    made = config.bind_socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(slow_reader_timeout * 1000))
    return made


def serve(config: uvicorn.Config, accepting: socket.socket) -> int:
    """Until a signal; the exit code."""
    if config.workers > 1:
        Workers(config, sockets=[accepting]).run()
        return 0
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):  # which it raises again once it has stopped
        server.run(sockets=[accepting])
    return 0 if server.started else 1


if __name__ == "__main__":
    main()
