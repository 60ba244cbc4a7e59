"""OpenAI's messages as ours."""

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from gateway_app.types import Image, Message, ToolCall
from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.schemas import (
    AnyMessage,
    AssistantMessage,
    CalledTool,
    ImagePart,
    ImageUrl,
    RefusalPart,
    TextPart,
    ToolMessage,
    UserMessage,
)

MEDIA_TYPE = re.compile(r"image/[a-z0-9.+-]{1,64}")
Content = str | Sequence[TextPart | ImagePart | RefusalPart] | None


def messages(given: Iterable[AnyMessage], fetched: Mapping[str, Image]) -> tuple[Message, ...]:
    """In their order, with the images that were `fetched`, by address.

    Raises `BadParameter` for a bad image, a bad signature, or an answer to no call.
    """
    called: dict[str, str] = {}
    made = []
    for place, message in enumerate(given):
        where = f"messages[{place}]"
        if isinstance(message, AssistantMessage):
            made.append(_assistant(message, where))
            called |= {call.id: call.function.name for call in message.tool_calls or ()}
        elif isinstance(message, ToolMessage):
            made.append(_tool(message, called, where))
        elif isinstance(message, UserMessage):
            images = _images(message.content, fetched, where)
            text = _text(message.content)
            made.append(Message(role="user", content=text, images=images, name=message.name))
        else:
            made.append(Message(role="system", content=_text(message.content), name=message.name))
    return tuple(made)


def _text(content: Content) -> str:
    if isinstance(content, str):
        return content
    texts = [
        part.text if isinstance(part, TextPart) else part.refusal
        for part in content or ()
        if not isinstance(part, ImagePart)
    ]
    return "\n".join(texts)


def _assistant(message: AssistantMessage, where: str) -> Message:
    calls = (
        _call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(message.tool_calls or ())
    )
    text = _text(message.content) or message.refusal or ""
    return Message(role="assistant", content=text, tool_calls=tuple(calls), name=message.name)


def _call(call: CalledTool, where: str) -> ToolCall:
    google = call.extra_content.google if call.extra_content else None
    signature = google.thought_signature if google else None
    if signature and not _is_base64(signature):
        param = f"{where}.extra_content.google.thought_signature"
        raise BadParameter("A thought signature is Base64 text.", param=param)
    return ToolCall(
        id=call.id, name=call.function.name, arguments=call.function.arguments, signature=signature or None
    )


def _tool(message: ToolMessage, called: dict[str, str], where: str) -> Message:
    """With the function's name, which vendors ask for and OpenAI's clients do not send."""
    name = called.get(message.tool_call_id)
    if name is None:
        raise BadParameter(
            "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
            param=f"{where}.tool_call_id",
        )
    return Message(role="tool", content=_text(message.content), tool_call_id=message.tool_call_id, name=name)


def _images(content: Content, fetched: Mapping[str, Image], where: str) -> tuple[Image, ...]:
    if not content or isinstance(content, str):
        return ()
    return tuple(
        _image(part.image_url, fetched, f"{where}.content[{place}].image_url.url")
        for place, part in enumerate(content)
        if isinstance(part, ImagePart)
    )


def _image(given: ImageUrl, fetched: Mapping[str, Image], where: str) -> Image:
    return replace(fetched.get(given.url) or _embedded(given.url, where), detail=given.detail)


def _embedded(url: str, where: str) -> Image:
    """From a data URL (RFC 2397)."""
    head, _, data = url.removeprefix("data:").partition(",")
    media_type, _, encoding = head.partition(";")
    media_type = media_type.lower()
    if not MEDIA_TYPE.fullmatch(media_type) or encoding != "base64" or not data or not _is_base64(data):
        raise BadParameter(
            "This is no image in Base64: expected data:image/<kind>;base64,<data>",
            param=where,
            code="invalid_base64",
        )
    return Image(media_type=media_type, data=data)


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except ValueError:
        return False
    return True
