"""The images that a request names by their addresses, fetched before anything else is done with it."""

import asyncio
from collections.abc import Mapping

from gateway_app.image_fetching import ImageFetcher
from gateway_app.types import Image
from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.schemas import ChatCompletionRequest, ImagePart, UserMessage

MOST = 8
"""In one request."""


async def fetched(body: ChatCompletionRequest, fetcher: ImageFetcher) -> Mapping[str, Image]:
    """By address. Raises `BadParameter` for too many, `ImageRefused` for one that cannot be had."""
    places = _places(body)
    if not places:
        return {}
    if len(places) > MOST:
        raise BadParameter(f"A request names at most {MOST} images by address.", param="messages")
    found = await asyncio.gather(
        *(fetcher.fetch(url, param=where) for url, where in places.items()), return_exceptions=True
    )
    images: dict[str, Image] = {}
    for url, image in zip(places, found, strict=True):
        if isinstance(image, BaseException):
            raise image
        images[url] = image
    return images


def _places(body: ChatCompletionRequest) -> dict[str, str]:
    """Addresses, and where each stands first."""
    found: dict[str, str] = {}
    for turn, message in enumerate(body.messages):
        if not isinstance(message, UserMessage) or isinstance(message.content, str):
            continue
        for place, part in enumerate(message.content):
            if isinstance(part, ImagePart) and not part.image_url.url.startswith("data:"):
                found.setdefault(part.image_url.url, f"messages[{turn}].content[{place}].image_url.url")
    return found
