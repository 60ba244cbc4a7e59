"""What can be wrong with a request on OpenAI's wire, beside what the gateway refuses anyway."""

from gateway_app.exceptions import InvalidRequest


class BadParameter(InvalidRequest):
    """`code` and `param` as OpenAI names them, such as `invalid_type` of `messages[0].content`."""

    def __init__(self, message: str, *, param: str | None, code: str = "invalid_value") -> None:
        super().__init__(message, param=param)
        self.code = code
