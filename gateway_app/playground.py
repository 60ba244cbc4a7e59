"""`WS /ws/playground`: editors try versions of a prompt, drafts too, from a page of the admin."""

from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user
from django.http import HttpRequest
from msgspec import Struct

from gateway_app.exceptions import Forbidden
from gateway_app.requests import CacheControl, Caller, ChatRequest
from gateway_app.schemas import USUAL, CancelFrame, ChatId, Name, Version
from gateway_app.sockets import FAREWELL, ChatSocket

PERMISSION = "prompts_app.try_prompt"
PROJECT = "playground"
FORBIDDEN = 4403


class TryFrame(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="try"):
    """One version with these variables; `cached` takes and keeps answers as other callers do."""

    id: ChatId
    prompt_name: Name
    version: Version
    variables: dict[str, Any] = {}
    cached: bool = False


class PlaygroundSocket(ChatSocket):
    """Frames in: `try`, `cancel`; out as of `ChatSocket`. Knows its user by the admin's session cookie.

    Its calls are in the ledger under the surface `playground`, without a project, with the user's name.
    """

    frames = TryFrame | CancelFrame

    async def connect(self) -> None:
        if await _refusal(self.scope["session"]):
            await self.close()  # before it was accepted: the browser is told 403
            return
        await self.accept()
        self.watch()

    def check(self) -> None:
        """The user is looked at for each trial."""

    def identify(self) -> Caller:
        name = self.scope["user"].get_username()
        return Caller(project_id=None, project=PROJECT, key_name=name, scopes=frozenset({"chat"}))

    async def ask(self, frame: TryFrame, caller: Caller, *, request_id: str) -> ChatRequest:
        """Raises `Forbidden`, and closes, once the session or the permission has ended."""
        if why := await _refusal(self.scope["session"]):
            self._close_soon(FORBIDDEN, within=FAREWELL)
            raise Forbidden(why)
        return ChatRequest(
            request_id=request_id,
            caller=caller,
            surface="playground",
            stream=True,
            prompt_name=frame.prompt_name,
            prompt_version=frame.version,
            allow_drafts=True,
            variables=frame.variables,
            defaults=USUAL,
            cache=CacheControl(read=frame.cached, write=frame.cached),
        )


@database_sync_to_async
def _refusal(session: Any) -> str:
    """Why the session's user may not try prompts now; "" where he may.

    The session is read anew, and its user as Django does for each page: a logout and a new password end it.
    """
    request = HttpRequest()
    request.session = session.__class__(session.session_key)
    user = get_user(request)
    if not user.is_authenticated:
        return "you are not logged in any more"
    return "" if user.has_perm(PERMISSION) else "you may not try prompts"
