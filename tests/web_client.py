"""The reading room as a browser's requests meet it, without a network."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from exports.config import Config
from exports.web.app import create_app


class Room:
    """A reading room over an archive; each call is one request."""

    def __init__(self, config: Config, *, seconds: float = 60, names: tuple[str, ...] = (), fail: bool = True) -> None:
        self.app = create_app(config, names, seconds)
        self._fail = fail

    def get(self, path: str, status: int = 200, method: str = "GET", **headers: str) -> httpx.Response:
        """The answer, which must have that status."""

        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=self._fail)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                given = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=given)

        answer = asyncio.run(request())
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer

    def rows(self, path: str) -> list[dict[str, Any]]:
        """The rows of a page of the JSON API."""
        found: list[dict[str, Any]] = self.get("/api" + path).json()["rows"]
        return found


def config_of(folder: Path, url: str | None = None) -> Config:
    """The settings of the archive in a folder."""
    return Config(folder, url or f"sqlite:///{folder}/archive.db")
