"""Who the collector is: open, and the same for everybody."""

NONCE = "ab" * 16


async def test_anybody_may_ask_and_nonsense_is_refused(client):
    answer = await client.get("/api/v1/trust", headers={"Fengsui-Nonce": NONCE})
    assert answer.status_code == 200
    assert answer.json()["nonce"] == NONCE
    assert (await client.get("/api/v1/trust")).json()["nonce"] == "0" * 32
    refused = await client.get("/api/v1/trust", headers={"Fengsui-Nonce": "x" * 32})
    assert (refused.status_code, refused.json()["code"]) == (422, "INVALID")
