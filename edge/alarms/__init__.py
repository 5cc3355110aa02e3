"""Alarms at the gateway: its points' own confirmed limits, judged where they are read."""
