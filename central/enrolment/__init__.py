"""How a gateway's key comes to be trusted, replaced, held and taken away (网关入网)."""
