"""Whoever needs a port gets one of his own."""

from llmgateway.ports import free_port


def test_no_port_is_named_twice() -> None:
    assert len({free_port() for _ in range(2000)}) == 2000
