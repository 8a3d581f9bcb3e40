"""The JSON schema of config.yml, made from the models, with which editors complete and check the file.

`python -m bluegreen.config.schema` writes bluegreen/config.schema.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from bluegreen.config.settings import ConfigFile

PATH = Path(__file__).parents[1] / "config.schema.json"
_WIDTH = 150


class _Generator(GenerateJsonSchema):
    """Writes no titles, which would only repeat the keys, and refuses names that match no pattern."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made


def text() -> str:
    """The content of config.schema.json."""
    schema = ConfigFile.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    return _written(schema, "") + "\n"


def _written(value: object, indent: str) -> str:
    """The value as JSON, in one line where it fits: a change of a setting is then a change of one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict) or len(indent) + len(line) <= _WIDTH:
        return line
    inner = f"{indent}  "
    items = [f"{inner}{json.dumps(key)}: {_written(item, inner)}" for key, item in value.items()]
    return "{\n" + ",\n".join(items) + f"\n{indent}}}"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
