"""DRF's defaults: a key says who calls, its scopes say what it may do."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from gateway_app import gateway
from gateway_app.headers import authorization
from gateway_app.requests import Caller


class KeyAuthentication(BaseAuthentication):
    """`request.auth` is a `Caller`."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        scope = request.scope  # type: ignore[attr-defined]
        return None, gateway.of(scope).authenticate(authorization(scope), scope)


class HasScope(BasePermission):
    """A view names what a key needs in `required_scope`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = getattr(view, "required_scope", None)
        if scope is not None:
            request.auth.require(scope)  # type: ignore[union-attr]
        return True
