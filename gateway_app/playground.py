"""`WS /ws/playground`: editors try versions of a prompt, drafts too, from a page of the admin."""

from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from msgspec import Struct

from gateway_app.exceptions import Forbidden
from gateway_app.requests import CacheControl, Caller, ChatRequest
from gateway_app.schemas import USUAL, CancelFrame, ChatId, Name, Version
from gateway_app.sockets import ChatSocket

PERMISSION = "prompts_app.try_prompt"
PROJECT = "playground"


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
        user = self.scope["user"]
        if not await _may_try(user.pk):
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
        """Raises `Forbidden` for whoever has lost the permission since the socket was opened."""
        if not await _may_try(self.scope["user"].pk):
            raise Forbidden("you may not try prompts")
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
def _may_try(pk: int | None) -> bool:
    user = get_user_model().objects.filter(pk=pk).first() if pk else None
    return user is not None and user.has_perm(PERMISSION)
