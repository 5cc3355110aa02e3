"""The newest reading of each point, as arrays in memory."""
