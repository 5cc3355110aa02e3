"""The bytes of a chunk: readings of a family as columns, exact to the bit; pure."""
