async def test_a_page_that_is_not_built_says_so(client):
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "尚未构建" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_hashed_files_are_kept_and_the_index_is_not(client, dist):
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>烽燧</title>")
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "assets" / "index-a1b2c3.js").write_text("1")
    index = await client.get("/")
    script = await client.get("/assets/index-a1b2c3.js")
    icon = await client.get("/favicon.svg")
    assert (index.text, index.headers["cache-control"]) == ("<title>烽燧</title>", "no-store")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in script.headers["content-type"]
    assert icon.headers["cache-control"] == "no-cache"


async def test_nothing_outside_the_folder_is_served(client, dist):
    dist.mkdir()
    (dist.parent / "secret").write_text("s")
    (dist / "link").symlink_to(dist.parent / "secret")
    assert (await client.get("/link")).status_code == 404
    for path in ("/%2e%2e/secret", "/..%2fsecret", "/%00"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "TARGET_REFUSED"), path


async def test_a_path_longer_than_any_name_is_simply_not_there(client, dist):
    dist.mkdir()
    for path in ("/" + "a" * 300, "/assets/" + "a/" * 3000):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_a_host_that_cannot_be_read_is_not_our_fault(client):
    answer = await client.get("/nowhere", headers={"Host": "[::1"})
    assert (answer.status_code, answer.json()["params"]["name"]) == (404, "/nowhere")
