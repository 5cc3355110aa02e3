"""Rules as data: what is offered, who confirmed it, where it is meant, what holds for a point."""
