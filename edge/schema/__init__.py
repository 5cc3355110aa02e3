"""The gateway's configuration file: validated in a short child process, never by the gateway.

`python -m edge.schema` writes the JSON schema for editors.
"""
