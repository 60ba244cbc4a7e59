"""What can go wrong with a call.

GatewayError
├── RequestRejected             the caller's mistake
│   ├── InvalidRequest          the body does not fit the schema
│   ├── BodyTooLarge
│   ├── ImageRefused            an image's address that is not allowed, or has no image
│   ├── Unauthenticated         no key, or a bad one
│   ├── Forbidden               the key may not do this
│   ├── ModelNotFound           no provider serves that model
│   ├── CallNotFound            the ledger has no such call of the caller's project
│   ├── LimitReached            too much in a minute; `retry_after` seconds
│   │   └── ConcurrencyReached  too much at once
│   ├── ReaderTooSlow           the deadline passed while the reply waited to be read
│   ├── BudgetSpent             what is left does not cover the call
│   └── PriceUnknown            a budget must hold, and the model's price is not known
├── Unavailable                 a part of the gateway is away and the call cannot do without it
└── ProviderError               the vendor's failure; `retryable` says whether another try can help
    ├── ProviderRefused         it will not answer this request (400 of the vendor)
    ├── ProviderDenied          it does not accept our credentials
    ├── ProviderRateLimited     `retry_after` seconds, where the vendor says
    ├── ProviderTimeout
    ├── ProviderUnavailable     5xx, refused or reset connections
    │   └── CircuitOpen         it failed so often that it is left alone for a moment
    └── ProviderBadReply        malformed, cut short, or of the wrong shape
"""


class GatewayError(Exception):
    """Not raised itself. `code` is stable and machine-readable, the message is for people."""

    code = "gateway_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class RequestRejected(GatewayError):
    code = "request_rejected"


class InvalidRequest(RequestRejected):
    code = "invalid_request"


class BodyTooLarge(RequestRejected):
    code = "body_too_large"


class ImageRefused(RequestRejected):
    code = "invalid_image_url"


class Unauthenticated(RequestRejected):
    code = "invalid_api_key"


class Forbidden(RequestRejected):
    code = "forbidden"


class ModelNotFound(RequestRejected):
    code = "model_not_found"


class CallNotFound(RequestRejected):
    code = "call_not_found"


class LimitReached(RequestRejected):
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after: float, rate_limit: object = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""
        self.rate_limit = rate_limit
        """The `RateLimit` that was met, where it is known."""


class ConcurrencyReached(LimitReached):
    code = "concurrency_limit_exceeded"


class ReaderTooSlow(RequestRejected):
    code = "reader_too_slow"


class BudgetSpent(RequestRejected):
    code = "budget_spent"


class PriceUnknown(RequestRejected):
    code = "price_unknown"


class Unavailable(GatewayError):
    code = "unavailable"


class ProviderError(GatewayError):
    """A vendor failed. Raised by adapters only, always `from` the foreign error."""

    code = "provider_error"
    retryable = False
    """Another try at the same model can help."""
    elsewhere = True
    """Another model can help."""
    opens_circuit = False
    """Speaks against the vendor's health."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The vendor's HTTP status, where there was one."""
        self.retry_after = retry_after
        """Seconds."""


class ProviderRefused(ProviderError):
    code = "provider_refused"
    elsewhere = False


class ProviderDenied(ProviderError):
    code = "provider_denied"


class ProviderRateLimited(ProviderError):
    code = "provider_rate_limited"
    retryable = True


class ProviderTimeout(ProviderError):
    code = "provider_timeout"
    retryable = True
    opens_circuit = True


class ProviderUnavailable(ProviderError):
    code = "provider_unavailable"
    retryable = True
    opens_circuit = True


class CircuitOpen(ProviderUnavailable):
    code = "circuit_open"
    retryable = False
    opens_circuit = False


class ProviderBadReply(ProviderError):
    code = "provider_bad_reply"
    retryable = True
