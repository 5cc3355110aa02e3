"""How the whole run goes: what takes longest begins first, and no machine is too slow for it."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# How fast examples come tells of what else the machine does, not of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Started in the background of a script, this process ignores Ctrl-C, and so would all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = "tests/gauntlet/"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: begun last, they leave the other workers idle at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(
        key=lambda item: (
            item.path not in slow,
            not item.nodeid.startswith(LONGEST),
        )
    )
