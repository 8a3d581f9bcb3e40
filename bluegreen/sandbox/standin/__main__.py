"""The command line that builds the jar of a stand-in: `python -m bluegreen.sandbox.standin`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

from bluegreen.errors import BluegreenError
from bluegreen.sandbox.standin.behaviour import Behaviour
from bluegreen.sandbox.standin.jar import build


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds the jar that the arguments describe, prints its path, and returns the exit code."""
    values = vars(_parser().parse_args(arguments))
    try:
        jar = build(values.pop("target"), Behaviour(**values))
    except BluegreenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{jar}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bluegreen.sandbox.standin", description="Build the jar of a stand-in application."
    )
    parser.add_argument("target", type=Path, metavar="TARGET.jar")
    types = get_type_hints(Behaviour)
    for each in fields(Behaviour):
        option, kind, meaning = f"--{each.name.replace('_', '-')}", types[each.name], each.metadata["help"]
        if kind is bool:
            parser.add_argument(
                option, action=argparse.BooleanOptionalAction, default=each.default, help=meaning
            )
        elif choices := get_args(kind) if get_origin(kind) is Literal else ():
            parser.add_argument(option, choices=choices, default=each.default, help=meaning)
        else:
            number = float if kind == float | None else kind
            parser.add_argument(option, type=number, default=each.default, help=meaning)
    return parser


if __name__ == "__main__":
    sys.exit(main())
