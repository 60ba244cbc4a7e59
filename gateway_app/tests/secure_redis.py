"""TLS before a Redis: the one that the suite starts has none of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import trustme


@dataclass(frozen=True)
class SecureRedis:
    url: str
    certificates: Path
    """Of those who vouch for it; no machine trusts them by itself."""

    @property
    def trusting_url(self) -> str:
        return f"{self.url}?ssl_ca_certs={self.certificates}"


@asynccontextmanager
async def secure_redis(redis_url: str, *, directory: Path) -> AsyncIterator[SecureRedis]:
    behind = urlsplit(redis_url)
    authority = trustme.CA()
    certificates = directory / "authority.pem"
    authority.cert_pem.write_to_path(str(certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(behind.hostname, behind.port)
        await asyncio.gather(_passed_on(reader, questions), _passed_on(answers, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield SecureRedis(f"rediss://127.0.0.1:{port}{behind.path}", certificates)


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
