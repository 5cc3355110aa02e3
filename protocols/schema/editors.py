"""JSON schemas for editors, made from the models, so that they can never tell another story."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from protocols.schema.profile import AnyProfile

FOLDER: Final = Path(__file__).resolve().parents[2] / "config" / "schema"
"""Where a checkout keeps them; an installed product has them below share/fengsui/config."""

DIALECT: Final = GenerateJsonSchema.schema_dialect


def profile_schema() -> str:
    """Return the schema of a profile as the text of its file."""
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[AnyProfile, Field(discriminator="protocol")])
    return schema_text("Fengsui profile v1 设备模板", adapter.json_schema())


def schema_text(title: str, schema: dict[str, Any]) -> str:
    """Return a schema as it is written: titled, indented, Chinese as it is."""
    whole = {"$schema": DIALECT, **schema, "title": title}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def write(name: str, text: str) -> Path:
    """Write a schema into FOLDER and return its path."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / name
    file.write_text(text, encoding="utf-8")
    return file
