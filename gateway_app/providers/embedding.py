"""What an embedder is: one file per vendor dialect, one abstract method."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from gateway_app.exceptions import ProviderBadReply
from gateway_app.providers.wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    vectors: Sequence[Sequence[float]]
    """One for each text, in the order of the texts."""
    tokens: int | None
    """What was read; None where the vendor does not say."""


class Embedder(ABC):
    """Speaks one vendor's wire. Reads no settings, retries nothing, keeps nothing."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @abstractmethod
    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Raises `ProviderError` (or `ModelNotFound`) and nothing else."""

    async def open(self) -> None:
        """Called once in the event loop that will serve."""
        await self._wire.open()

    async def close(self) -> None:
        await self._wire.close()


def embedded(vectors: Sequence[Sequence[float]], texts: Sequence[str], *, tokens: int | None) -> Embedded:
    """Raises `ProviderBadReply` unless each text has a vector, and all have the same length above 0."""
    lengths = {len(vector) for vector in vectors}
    if len(vectors) != len(texts) or len(lengths) != 1 or 0 in lengths:
        raise ProviderBadReply(
            f"the vendor sent {len(vectors)} vectors for {len(texts)} texts, or uneven ones"
        )
    return Embedded(vectors=vectors, tokens=tokens)
