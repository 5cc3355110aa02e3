"""The name a collector's own certificate carries, whatever its address is (pure)."""


def server_name(collector: str) -> str:
    """Return the fixed name of the collector with that id: gateways check this and no address."""
    return f"collector.{collector}"
