"""The JSON Schema of scenario.toml, made from the settings; ``python -m allocsim.files.schema`` rewrites the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from allocsim.files.runs import write_file
from allocsim.model.settings import Settings

FILE = Path(__file__).with_name("scenario.schema.json")
"""The schema as shipped."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario.toml, for editors.

    What is required may come from the scenario that a file extends, so it is required only where nothing is extended.
    """
    made = Settings.model_json_schema(by_alias=True)
    required = made.pop("required")
    of_budget = made["$defs"]["BudgetSettings"].pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://allocsim.invalid/scenario.schema.json",
        **made,
        "title": "allocsim scenario.toml",
        "if": {"required": ["extends"]},
        "else": {"required": required, "properties": {"budget": {"required": of_budget}}},
    }


def text() -> str:
    """Return the schema as the shipped file holds it."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    write_file(FILE, text())
