"""What a sandbox remembers from one start to the next: sandbox.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from bluegreen.sandbox.folder import Folder, replace


@dataclass(frozen=True)
class State:
    """How the sandbox was started last.

    Args:
        app: whose groups the include names.
        user: who runs it and is let in.
        wanted: the ports that config.yml asked for, by who listens there.
        ports: those it got.
        nginx: the command that every order to its nginx begins with.
    """

    app: str
    user: str
    wanted: Mapping[str, int]
    ports: Mapping[str, int]
    nginx: tuple[str, ...]


def read(folder: Folder) -> State | None:
    """None if there is none, or it is not one of ours: the sandbox is then made as if for the first time."""
    try:
        told = json.loads(folder.state.read_text(encoding="utf-8"))
        return State(told["app"], told["user"], told["wanted"], told["ports"], tuple(told["nginx"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Folder, state: State) -> None:
    replace(folder.state, f"{json.dumps(asdict(state), indent=2)}\n")
