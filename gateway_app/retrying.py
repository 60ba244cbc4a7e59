"""Whether and when to try again."""

from dataclasses import dataclass

from gateway_app.exceptions import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015)."""

    tries: int = 3
    """In all, at one model."""
    base: float = 0.2
    """Seconds: the longest first wait."""
    cap: float = 5.0
    """Seconds: the longest of all, and of the vendor's own wishes that we wait for."""

    def wait(self, error: ProviderError, *, tried: int, left: float, chance: float) -> float | None:
        """Seconds to wait before the next try; None: do not try again here.

        `tried` counts the tries so far, `left` is what remains of the deadline in seconds, `chance` is
        uniform in [0, 1). A vendor that names a delay gets it; one that is too long is not waited for.
        """
        if not error.retryable or tried >= self.tries:
            return None
        if error.retry_after is not None:
            wait = error.retry_after
        else:
            wait = chance * min(self.cap, self.base * 2 ** (tried - 1))
        return wait if wait <= self.cap and wait < left else None
