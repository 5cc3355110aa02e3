"""What can be asked of readings: pure functions on arrays over a `Source`, and the async way in."""
