"""Looking for damage: what is stored, held against itself."""
