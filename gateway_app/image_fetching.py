"""Fetches the images that a request only names, from hosts that the operator lists and nowhere else."""

import ssl
from base64 import b64encode
from collections.abc import Iterable

import aiohttp
from yarl import URL

from gateway_app.exceptions import ImageRefused
from gateway_app.types import Image
from prompts_app.public_addresses import public_socket

TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What vendors take."""
MAX_BYTES = 5 * 1024 * 1024
"""Anthropic's limit, the lowest there is."""
SECONDS = 5.0
"""For one image, looking its host up included."""
AT_ONCE = 16
"""In one process; others wait, within their `SECONDS`."""
LONGEST_ADDRESS = 2048
HTTPS = 443


class ImageFetcher:
    """`hosts` are names such as `images.example.com`, `*.example.com` (below it), or with a port behind.

    Which address a name has is checked when it is connected to: unless `allow_private`, it must be public.
    """

    def __init__(self, hosts: Iterable[str], *, allow_private: bool = False) -> None:
        self._hosts = tuple(hosts)
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=ssl.create_default_context(),
                limit=AT_ONCE,
                socket_factory=None if self._allow_private else public_socket,
                use_dns_cache=False,
                force_close=True,
            ),
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": ", ".join(TYPES), "Accept-Encoding": "identity", "User-Agent": "llmgateway"},
            # A small body must not become a large one.
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def fetch(self, url: str, *, param: str) -> Image:
        """Follows no redirect. Raises `ImageRefused`, which names `param`, for whatever is wrong with it."""
        address = self._allowed(url, param)
        assert self._session is not None, "open() first"
        try:
            async with self._session.get(address, allow_redirects=False) as response:
                try:
                    return await _image(response, param)
                finally:
                    _hang_up(response)
        except TimeoutError as exc:
            raise ImageRefused(f"the image did not come within {SECONDS:g} s", param=param) from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise ImageRefused("the image could not be fetched", param=param) from exc

    def _allowed(self, url: str, param: str) -> URL:
        try:
            # aiohttp's own reading of the address: a second one could understand it differently.
            address = URL(url) if len(url) <= LONGEST_ADDRESS else URL()
        except ValueError:
            address = URL()
        if address.scheme != "https" or address.user is not None or not self._lists(address):
            raise ImageRefused(
                "this gateway fetches no image from there: send the image itself as data:image/png;base64,…",
                param=param,
            )
        return address

    def _lists(self, address: URL) -> bool:
        host = address.raw_host or ""
        name = host if address.port == HTTPS else f"{host}:{address.port}"
        return any(
            name.endswith(entry[1:]) if entry.startswith("*.") else name == entry for entry in self._hosts
        )


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """At once: TLS would wait half a minute for a slow host to agree."""
    if response.connection and response.connection.transport:
        response.connection.transport.abort()


async def _image(response: aiohttp.ClientResponse, param: str) -> Image:
    if response.status != 200:
        raise ImageRefused(f"the image's host answered with status {response.status}", param=param)
    if response.content_type not in TYPES or "Content-Encoding" in response.headers:
        raise ImageRefused(f"what came is none of {', '.join(TYPES)}", param=param)
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > MAX_BYTES:
            raise ImageRefused(f"the image is larger than {MAX_BYTES} bytes", param=param)
    return Image(media_type=response.content_type, data=b64encode(data).decode())
