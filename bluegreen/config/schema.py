"""The JSON schema of config.yml, made from the models, for editors to complete and check by.

`python -m bluegreen.config.schema` writes config.schema.json anew, beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path

from bluegreen.config.settings import ConfigFile

PATH = Path(__file__).parents[1] / "config.schema.json"


def text() -> str:
    """The schema as it is to stand in config.schema.json."""
    schema = ConfigFile.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
