"""TCP ports: is this one free, does somebody answer there?"""

import socket

LOOPBACK = "127.0.0.1"
_named: set[int] = set()


def is_free(port: int, *, host: str = LOOPBACK) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose last connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0) -> int:
    """`preferred` if it is free, else any free port of the loopback address.

    None is named twice to one process: who asked before may not listen yet.
    """
    if preferred and is_free(preferred):
        return preferred
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in _named:
            _named.add(port)
            return port


def refusal(host: str, port: int, *, timeout: float) -> str | None:
    """Why nobody answers at `host`:`port` within `timeout` seconds; None if somebody does."""
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None
