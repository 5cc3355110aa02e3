"""The OpenAPI document: `python -m central.api.openapi > docs/openapi.json`.

Holds every route, the demonstration's too, and the bodies of the stream's events; the page's types
are generated from it, and a test holds that the committed file is current.
"""

import json
import sys
from typing import Any, Final

from pydantic import BaseModel

from central.api import models
from central.api.app import create_app

STREAMED: Final[dict[str, type[BaseModel]]] = {
    "values": models.SiteValues,
    "alarm": models.Episode,
    "gateway": models.Gateway,
    "overview": models.Overview,
    "clock": models.ClockNow,
}
"""Event of the stream to the body it carries."""


def document() -> dict[str, Any]:
    """Return the document of the whole interface."""
    found = create_app(None, with_demo=True).openapi()
    schemas = found["components"]["schemas"]
    for model in STREAMED.values():
        if model.__name__ not in schemas:
            schema = model.model_json_schema(
                mode="serialization", ref_template="#/components/schemas/{model}"
            )
            for name, part in schema.pop("$defs", {}).items():
                schemas.setdefault(name, part)
            schemas[model.__name__] = schema
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found


def text() -> str:
    """Return the document as it is committed."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
