"""config.yml: reading it, checking it, and the settings of a host that come of it."""

from bluegreen.config.file import Config, load
from bluegreen.config.settings import (
    Health,
    Java,
    Nginx,
    OldSlot,
    Releases,
    Settings,
    Site,
    Switch,
    hidden,
    secrets_from,
)
from bluegreen.config.yaml_source import ConfigError

__all__ = [
    "Config",
    "ConfigError",
    "Health",
    "Java",
    "Nginx",
    "OldSlot",
    "Releases",
    "Settings",
    "Site",
    "Switch",
    "hidden",
    "load",
    "secrets_from",
]
