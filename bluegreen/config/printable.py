"""The settings of a host as `bluegreen config` prints them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bluegreen.config import duration
from bluegreen.config.settings import Sections, Settings


def printable(settings: Settings) -> dict[str, Any]:
    """The settings as the data of a config.yml with this one host. Of secrets it has the names only."""
    reached: dict[str, Any] = {
        "address": list(settings.addresses),
        "port": settings.port,
        "user": settings.user,
        "host_key": list(settings.host_keys),
        "identity": str(settings.identity) if settings.identity else None,
        "sandbox": settings.sandbox,
    }
    sections = {name: _plain(getattr(settings, name), name) for name in Sections.model_fields}
    return {
        "app": settings.app,
        **sections,
        "hosts": {settings.host: {key: value for key, value in reached.items() if value}},
    }


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {info.alias or key: _plain(getattr(value, key), key) for key, info in fields.items()}
    if name.endswith("_s") and value is not None:
        return duration.text(value)
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
