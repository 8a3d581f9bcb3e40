"""The types of the settings in config.yml.

A type has what pydantic checks (limits, patterns, choices), a `Kind` with its name and an example for
messages, and a check for each mistake that deserves a message of its own.
"""

from bluegreen.config.types.environment import Env, Secrets
from bluegreen.config.types.java import JavaArgs, JavaBin, JavaOptions, JavaVersion, Profiles
from bluegreen.config.types.names import (
    AfterSwitch,
    AppName,
    HostName,
    Method,
    ServerName,
    Supervisor,
    UserName,
)
from bluegreen.config.types.network import Address, Addresses, HostKeys, Networks
from bluegreen.config.types.numbers import (
    Flag,
    HealthPorts,
    Keep,
    ListenPort,
    Pause,
    Slots,
    SshPort,
    Timeout,
    TimeoutOrNever,
    Ups,
    Wait,
    Warm,
)
from bluegreen.config.types.paths import (
    Identity,
    IncludePath,
    JarPattern,
    ReleasesPath,
    UrlPath,
    UrlPaths,
    VerifyPath,
    WorkdirPath,
)

__all__ = [
    "Address",
    "Addresses",
    "AfterSwitch",
    "AppName",
    "Env",
    "Flag",
    "HealthPorts",
    "HostKeys",
    "HostName",
    "Identity",
    "IncludePath",
    "JarPattern",
    "JavaArgs",
    "JavaBin",
    "JavaOptions",
    "JavaVersion",
    "Keep",
    "ListenPort",
    "Method",
    "Networks",
    "Pause",
    "Profiles",
    "ReleasesPath",
    "Secrets",
    "ServerName",
    "Slots",
    "SshPort",
    "Supervisor",
    "Timeout",
    "TimeoutOrNever",
    "Ups",
    "UrlPath",
    "UrlPaths",
    "UserName",
    "VerifyPath",
    "Wait",
    "Warm",
    "WorkdirPath",
]
