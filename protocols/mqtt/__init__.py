"""MQTT 3.1.1: a device's JSON messages by way of a broker. See README.md."""
