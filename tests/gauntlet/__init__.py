"""The gauntlet: real processes, a known truth, `kill -9` at random moments, nothing lost."""
