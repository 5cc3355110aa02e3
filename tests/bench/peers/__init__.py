"""Other stores under the same readings, where their Debian package is installed."""
