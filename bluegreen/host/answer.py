"""An answer to a health request, and its judgement."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """An answer to a health request.

    Args:
        code: HTTP status, 0 if none came.
        redirect: the URL that a redirect leads to, empty if it is not a redirect.
        tls: whether the health port speaks https, so that no plain request was answered.
        closed: whether nothing listens on the health port, while the slot listens on its own.
    """

    code: int
    body: str
    took_ms: int = 0
    redirect: str = ""
    closed: bool = False
    tls: bool = False

    @property
    def status(self) -> str:
        """The top-level `status`, read as JSON; else a description of the answer (P1)."""
        if self.code == 0:
            return "no answer"
        try:
            data = json.loads(self.body)
        except ValueError:
            return f"no JSON (HTTP {self.code})"
        status = data.get("status") if isinstance(data, dict) else None
        if not isinstance(status, str):
            return f"no status (HTTP {self.code})"
        return status

    @property
    def up(self) -> bool:
        """Whether the status is UP and the HTTP status is 2xx."""
        return self.status == "UP" and 200 <= self.code < 300

    def __str__(self) -> str:
        body = self.body if len(self.body) <= 2000 else f"{self.body[:2000]}…"
        return f"HTTP {self.code} {body}".rstrip() if self.code else "no answer"
