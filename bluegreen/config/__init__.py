"""config.yml: load it, check it, and resolve the settings of a host."""

from bluegreen.config.file import Config, load
from bluegreen.config.printable import printable
from bluegreen.config.secrets import bundled, secrets_from
from bluegreen.config.settings import Nginx, Settings
from bluegreen.config.yaml_source import ConfigError

__all__ = [
    "Config",
    "ConfigError",
    "Nginx",
    "Settings",
    "bundled",
    "load",
    "printable",
    "secrets_from",
]
