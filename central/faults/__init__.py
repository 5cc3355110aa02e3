"""Gateways, buses and devices that are silent: one item each, whatever lies below."""
