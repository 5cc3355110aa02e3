"""The wire format, version 1 (docs/wire.md): what a gateway sends and what it gets back.

Encoders write one form only; decoders are total (any bytes give a value or a `WireError`), bounded,
and refuse every other form, so that the same readings are the same bytes wherever they are made.
"""
