"""`fengsui-edge key`: the public half of this gateway's key, for whoever verifies evidence.

The key alone goes to standard output, so that it can be kept as a file; who it is goes beside it.
"""

import argparse
import sys

from edge.check import load_config
from edge.identity import Identity
from protocols.errors import FengsuiError
from protocols.texts import text


def key_command(args: argparse.Namespace) -> int:
    """Print the public key. Raises ConfigError, KeyFileUnusable, FengsuiError (not enrolled)."""
    config = load_config(args.config)
    folder = config.collector.identity_folder
    if folder is None:
        raise AssertionError("a checked configuration has one")
    signer = Identity(folder).signer()
    if signer is None:
        raise FengsuiError("NOT_ENROLLED")
    params = {"gateway": config.gateway, "keyid": signer.keyid}
    print(text("GATEWAY_KEY", params, args.language), file=sys.stderr)
    print(signer.public.encode())
    return 0
