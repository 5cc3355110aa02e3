"""Where readings are kept, behind one interface."""
