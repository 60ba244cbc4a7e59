"""What the ledger must say after the fact."""

import asyncio

from torture.load import until
from torture.system import System


async def each_once(system: System, request_ids: list[str], *, within: float = 40.0) -> int:
    """How many rows there are: one for each id, and no more. Waits for `within` seconds at the most."""
    query = "SELECT request_id, count(*) FROM gateway_app_call WHERE request_id = ANY(%s) GROUP BY 1"

    def rows() -> dict[str, int]:
        return dict(system.query(query, request_ids))

    await until("the last row", lambda: len(rows()) >= len(request_ids), within=within, every=0.5, must=False)
    await asyncio.sleep(1)  # for what is written twice
    found = await asyncio.to_thread(rows)
    missing = set(request_ids) - set(found)
    doubled = [request_id for request_id, count in found.items() if count > 1]
    assert not missing, (
        f"{len(missing)} of {len(request_ids)} calls are not in the ledger: {sorted(missing)[:5]}"
    )
    assert not doubled, f"{len(doubled)} calls are in the ledger twice: {doubled[:5]}"
    return len(found)
