"""DRF's views, fitted to the gateway: coroutines for handlers, structs for serializers."""

from inspect import isawaitable
from typing import Any, Protocol

from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway_app.requests import Caller
from gateway_app.schemas import encode, parse


class Asked(Protocol):
    """A DRF request as our views see it."""

    scope: dict[str, Any]
    data: Any
    """The struct of the view's `body`."""
    auth: Caller
    query_params: Any


class StructParser(BaseParser):
    """The body as the struct that the view names in `body`."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse(stream.read(), parser_context["view"].body)


class StructRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return encode(data)


class GatewayView(APIView):
    """A DRF view whose handlers are coroutines, from the first check to the rendered reply in one task.

    DRF's own `dispatch` is synchronous and would hold a thread while the vendor thinks. Nothing here waits
    but the handler, so nothing hops to a thread.
    """

    parser_classes = [StructParser]
    renderer_classes = [StructRenderer]
    http_method_names = ["get", "post"]
    body: type[Any]

    def given(self, request: Asked) -> Any:
        """The body as the view's struct; DRF does not ask the parser where there is no body at all."""
        return request.data if isinstance(request.data, self.body) else parse(b"", self.body)

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        self.args, self.kwargs = args, kwargs
        self.request = drf_request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(drf_request, *args, **kwargs)
            name = (request.method or "").lower()
            handler = getattr(self, name, None) if name in self.http_method_names else None
            response = (handler or self.http_method_not_allowed)(drf_request, *args, **kwargs)
            if isawaitable(response):
                response = await response
        except Exception as exc:  # noqa: BLE001 - DRF's contract: the exception handler shapes it
            response = self.handle_exception(exc)
        answer: Response = self.finalize_response(drf_request, response, *args, **kwargs)
        rendered: Response = answer.render()
        return rendered
