"""`python -m edge.schema` writes config/schema/edge-v1.schema.json for editors."""

from edge.schema.model import EdgeModel
from protocols.schema.editors import schema_text, write


def edge_schema() -> str:
    """Return the schema of a gateway's configuration as the text of its file."""
    return schema_text("Fengsui gateway v1 网关配置", EdgeModel.model_json_schema())


if __name__ == "__main__":
    print(write("edge-v1.schema.json", edge_schema()))
