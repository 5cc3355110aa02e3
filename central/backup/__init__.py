"""Verified copies of the database, made while it runs; what they cover is called safe."""
