"""The commands, one file each: `run` is the course of the command, from top to bottom."""

from bluegreen.commands import (
    check,
    config,
    deploy,
    history,
    init,
    logs,
    rollback,
    sandbox,
    setup,
    status,
    stop,
    switch,
    trust,
)

__all__ = [
    "check",
    "config",
    "deploy",
    "history",
    "init",
    "logs",
    "rollback",
    "sandbox",
    "setup",
    "status",
    "stop",
    "switch",
    "trust",
]
