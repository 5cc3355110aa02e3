"""Rules the engine holds: who wants them, whose they are, how they begin, and those that sleep."""
