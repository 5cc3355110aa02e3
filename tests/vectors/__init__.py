"""Ground-truth cases run against the product's own functions (`python -m tests.vectors FOLDER`)."""
