"""The wire's readings as typed columns: what `protocols.wire` says, without an object a reading."""
