"""The collector (平台): ingests, stores, evaluates alarms and serves people and systems."""
