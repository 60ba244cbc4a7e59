"""Images are fetched from where the operator says, within bounds, and from nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway_app import image_fetching
from gateway_app.exceptions import ImageRefused
from gateway_app.image_fetching import ImageFetcher
from gateway_app.tests.picture_host import PNG, PictureHost, picture_host
from gateway_app.types import Image


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PictureHost]:
    with picture_host(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.certificates))
        yield running


@asynccontextmanager
async def opened(host: PictureHost, *, allow_private: bool = True) -> AsyncIterator[ImageFetcher]:
    fetcher = ImageFetcher([host.authority], allow_private=allow_private)
    await fetcher.open()
    yield fetcher
    await fetcher.close()
    await asyncio.sleep(0)  # a connection that was broken off is gone a moment later


@pytest.fixture
async def fetcher(host: PictureHost) -> AsyncIterator[ImageFetcher]:
    async with opened(host) as made:
        yield made


async def refusal(fetcher: ImageFetcher, url: str) -> str:
    with pytest.raises(ImageRefused) as caught:
        await fetcher.fetch(url, param="where")
    assert caught.value.param == "where"
    return str(caught.value)


async def test_an_image_is_fetched(host: PictureHost, fetcher: ImageFetcher) -> None:
    assert await fetcher.fetch(host.url("/dot.png"), param="") == Image(media_type="image/png", data=PNG)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/page", "none of image/png"),
        ("/vector", "none of image/png"),
        ("/packed", "none of image/png"),
        ("/moved", "status 302"),
        ("/gone", "status 404"),
        ("/large", "larger than"),
    ],
)
async def test_what_is_no_image_within_the_bounds_is_refused(
    host: PictureHost, fetcher: ImageFetcher, path: str, why: str
) -> None:
    assert why in await refusal(fetcher, host.url(path))
    assert host.asked == [path], "no redirect is followed"


async def test_a_host_that_is_slow_is_given_up(host: PictureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_fetching, "SECONDS", 0.5)
    async with opened(host) as fetcher:
        assert "within 0.5 s" in await refusal(fetcher, host.url("/slow"))


async def test_an_allowed_name_with_a_private_address_is_not_connected_to(host: PictureHost) -> None:
    async with opened(host, allow_private=False) as fetcher:
        assert "could not be fetched" in await refusal(fetcher, host.url("/dot.png"))
    assert host.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example.com/a.png",
        "https://example.com/a.png",
        "https://evil-images.example.com/a.png",
        "https://images.example.com.evil.com/a.png",
        "https://images.example.com:8443/a.png",
        "https://images.example.com@evil.com/a.png",
        "https://user@images.example.com/a.png",
        "https://evil.com#images.example.com",
        "https://evil.com\\@images.example.com/a.png",
        "https://cdn.example.org.evil.com/a.png",
        "https://example.org/a.png",
        "https://[::1]/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://images.example.com/" + "a" * 3000,
        "file:///etc/passwd",
        "https://",
        "",
    ],
)
async def test_what_is_not_allowed_is_not_even_looked_up(url: str) -> None:
    fetcher = ImageFetcher(["images.example.com", "*.example.org"])
    assert "fetches no image from there" in await refusal(fetcher, url)


@pytest.mark.parametrize("host", ["images.example.com", "IMAGES.example.com:443", "cdn.eu.example.org"])
async def test_a_name_is_allowed_by_itself_or_with_all_below_it(host: str) -> None:
    fetcher = ImageFetcher(["images.example.com", "*.example.org"])
    with pytest.raises(AssertionError, match="open"):  # it would have been fetched
        await fetcher.fetch(f"https://{host}/a.png", param="")
