"""The short-lived process that validates a file: `python -m edge.check_child FILE`.

It may load pydantic and PyYAML, the gateway may not. On standard output it writes one pickle, for
its own parent only: a tuple of what was found (`edge`, `profile`, `problems`) and the structs.
"""

import pickle
import sys
from pathlib import Path

from edge.config import EdgeConfig
from edge.schema.resolve import build
from protocols.errors import ConfigError, Problem
from protocols.profile import Profile
from protocols.schema.profile import PROFILE_LIMIT, build_profile, profile_name
from protocols.schema.yaml_source import read

Outcome = tuple[str, EdgeConfig] | tuple[str, Profile] | tuple[str, tuple[Problem, ...]]


def check(file: Path) -> Outcome:
    """Validate a gateway's configuration or a profile, whichever `file` is."""
    try:
        source = read(file)
        data = source.data if isinstance(source.data, dict) else {}
        if "points" in data and "buses" not in data:
            source = read(file, limit=PROFILE_LIMIT)
            return "profile", build_profile(source, profile_name(file))
        return "edge", build(source, file)
    except ConfigError as exc:
        return "problems", exc.problems


def main() -> None:
    """Check the file named on the command line and hand over the outcome."""
    outcome = pickle.dumps(check(Path(sys.argv[1])))
    sys.stdout.buffer.write(outcome)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
