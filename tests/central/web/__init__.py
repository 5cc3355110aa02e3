"""The console's promises that need no browser."""
