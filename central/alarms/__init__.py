"""The alarm engine of the centre: rules over committed readings, episodes, journal."""
