"""The collector end to end: what a reading costs, what it takes to keep and to find again."""
