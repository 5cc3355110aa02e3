"""How long readings stay, and the rollups that speak of them afterwards."""
