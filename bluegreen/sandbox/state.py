"""sandbox.json: the facts that a sandbox keeps from one start to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from bluegreen.sandbox.folder import Folder, replace


@dataclass(frozen=True)
class State:
    """How the sandbox was started last.

    Args:
        app: the app whose upstream groups the include names.
        user: the user who runs the sandbox and logs in to it.
        wanted: the ports of config.yml by listener.
        ports: the ports in use by listener.
        nginx: the first words of every nginx command line for it.
    """

    app: str
    user: str
    wanted: Mapping[str, int]
    ports: Mapping[str, int]
    nginx: tuple[str, ...]


def read(folder: Folder) -> State | None:
    """The state of the last start; None if there is none or it cannot be read, as before the first start."""
    try:
        data = json.loads(folder.state.read_text(encoding="utf-8"))
        return State(data["app"], data["user"], data["wanted"], data["ports"], tuple(data["nginx"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Folder, state: State) -> None:
    """Replaces the state."""
    replace(folder.state, f"{json.dumps(asdict(state), indent=2)}\n")
