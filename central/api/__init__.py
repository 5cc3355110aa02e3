"""The collector's HTTP face: `/api/v1`, the live stream, metrics, health and the built page."""
