"""Simulated sites: signals that tell the stories of the demo, served over real protocols."""
