"""Whether calls can be served now."""

from gateway_app.gateway import Gateway
from gateway_app.schemas import DependencyState, ReadyReply
from prompts_app.refresh import RefreshState

STALE = 5.0
"""Seconds without a word from Postgres after which its state is `degraded`."""


async def readiness(gateway: Gateway) -> ReadyReply:
    """Ready as long as prompts and keys are known. Redis is missed while it is away, but calls go on."""
    ledger = gateway.service.ledger
    away = not await gateway.service.cache.ping()
    dependencies = {
        "prompts": _snapshot(gateway.registry.state),
        "api_keys": _snapshot(gateway.keys.state),
        "redis": DependencyState(
            status="degraded" if away else "ok", detail="replies are not cached" if away else None
        ),
        "ledger": DependencyState(
            status="ok" if ledger.connected else "degraded", detail=f"{ledger.unwritten} entries wait"
        ),
    }
    ready = all(state.status != "down" for state in dependencies.values())
    return ReadyReply(status="ok" if ready else "unavailable", dependencies=dependencies)


def _snapshot(state: RefreshState) -> DependencyState:
    """`down` only while nothing was ever loaded: the last good snapshot serves on."""
    if state.loaded_at is None:
        return DependencyState(status="down", detail=state.error or "not loaded yet")
    if state.age is not None and state.age > STALE:
        return DependencyState(
            status="degraded", detail=state.error or f"last confirmed {state.age:.0f} s ago"
        )
    return DependencyState(status="ok", detail=None)
