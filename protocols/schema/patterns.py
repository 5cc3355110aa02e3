"""How names and addresses are written, as regular expressions."""

import re
from typing import Final

PROFILE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}(/[a-z0-9][a-z0-9_.@-]{0,62}){0,3}")
"""A path below firmware-profiles without `.yaml`: `vendor/model@firmware`."""

REGION: Final = re.compile(r"[0-9]{6}([0-9]{3}){0,2}(-[A-Z0-9]{2,10})?")
"""GB/T 2260 county code, optionally with town and village, or with a local 功能区 code."""

HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}")
"""A host name or an IP address, without a port."""

NODE: Final = re.compile(r"(s=.{1,200}|i=[0-9]{1,10}|g=[0-9a-fA-F-]{36}|b=[A-Za-z0-9+/]{1,200}=*)")
"""OPC 10000-6, 5.3.1.10, without the namespace."""

TOPIC: Final = re.compile(r"[^+#/\x00][^+#\x00]{0,199}")
"""MQTT 3.1.1 section 4.7, without wildcards and without a leading slash."""

POINTER: Final = re.compile(r"(/([^~/]|~0|~1)*)*")
"""RFC 6901."""

PREFIX: Final = re.compile(r"[^+#\x00]{1,200}")
SERIAL: Final = re.compile(r"/\S{1,200}|COM[0-9]{1,3}")
ENDPOINT: Final = re.compile(r"opc\.tcp://[^\s/]{1,253}(/\S*)?")
