"""OPC UA: a subscription on a server's variables (OPC 10000-4, 5.13 and 5.14). See README.md."""
