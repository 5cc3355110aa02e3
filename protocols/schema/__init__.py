"""Files that people write: strict YAML, validated into frozen structs, every mistake named at once.

Needs PyYAML and pydantic: imported by the `check` commands and the collector, never by a running
gateway.
"""
