"""A folder that proves itself: every byte counts, and only folder and key are needed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.evidence.export import ExportFailed, NothingKept, export
from central.evidence.verifying import reading
from protocols.signing.keys import Ed25519Signer
from protocols.verify.__main__ import main
from protocols.verify.folder import verify_folder
from protocols.verify.index import decode_index, encode_index
from tests.central.builders import SECOND

ROOT = Path(__file__).resolve().parents[3]
HOUR = 3600 * SECOND


def hand_out(collector, folder, start=0, end=None):
    now = collector.clock.now() + HOUR
    with reading(collector.db.path) as conn:
        return export(conn, "gw", (start, end or now, now), folder)


@pytest.fixture
def folder(collector, delivered, tmp_path):
    hand_out(collector, tmp_path / "out")
    return tmp_path / "out"


def found(folder, *keys, **more):
    return verify_folder(folder, keys, **more)


async def test_an_untouched_folder_is_whole_and_signed(folder, gateway, delivered):
    stream, alarm = delivered
    result = found(folder, gateway.key.public)
    assert result.findings.said == []
    assert [(one.stream, one.last, one.signed) for one in result.streams] == [
        (stream.id, 7, 7),
        (alarm.id, 2, 2),
    ]
    assert (result.streams[0].recovered, result.streams[0].unproved) == (2, 0)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "证明了什么" in readme
    assert "What is not proved" in readme
    assert "测量时间:最早 至" in readme
    assert "1970" not in readme
    assert "没有签名" not in readme


async def test_what_nobody_could_sign_says_so_first(collector, delivered, tmp_path):
    await collector.db.write(lambda t: t.conn.execute("DELETE FROM gateway_key"))
    hand_out(collector, tmp_path / "out")
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert readme.index("没有签名") < readme.index("## 这里面有什么")
    assert "nothing in here is signed" in readme


async def test_what_was_signed_before_the_clock_was_stays_proved(
    collector, gateway, clock, tmp_path
):
    gateway.signs_clock = False
    stream = gateway.open()
    await gateway.register(collector, stream)
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    gateway.signs_clock = True
    clock.move(1)
    await gateway.deliver(collector, stream, gateway.reading("level", 2.0))
    newer = gateway.open()
    await gateway.register(collector, newer)
    await gateway.deliver(collector, newer, gateway.reading("level", 3.0))
    hand_out(collector, tmp_path / "out")
    result = found(tmp_path / "out", gateway.key.public)
    assert result.findings.said == []
    assert [(one.last, one.signed, one.opening_signed) for one in result.streams] == [
        (2, 2, True),
        (1, 1, True),
    ]
    said = [
        json.loads(line)["signature"]["text"].splitlines()
        for one in (stream, newer)
        for line in (tmp_path / "out/streams" / one.id / "heads.jsonl").read_text().splitlines()
    ]
    clocks = [[line for line in text if line.startswith('"fengsui-clock"')] for text in said]
    assert clocks == [[], [], *[[f'"fengsui-clock": {gateway.clock_field()}']] * 3]


async def test_another_key_proves_nothing(folder):
    stranger = Ed25519Signer.generate().public
    result = found(folder, stranger)
    assert {"VERIFY_KEY", "VERIFY_NOT_SIGNED"} <= {item.code for item in result.findings.said}
    assert found(folder, stranger, unsigned=True).findings.said == []


async def test_any_flipped_bit_is_found(folder, gateway, tmp_path):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    clean = {path: path.read_bytes() for path in files}
    key = gateway.key.public

    @settings(
        max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.data())
    def flip(data):
        file = data.draw(st.sampled_from(files))
        at = data.draw(st.integers(0, len(clean[file]) - 1))
        bit = data.draw(st.integers(0, 7))
        damaged = bytearray(clean[file])
        damaged[at] ^= 1 << bit
        file.write_bytes(damaged)
        try:
            result = found(folder, key)
            assert result.findings.count
            name = file.relative_to(folder).as_posix()
            assert any(item.params.get("file") == name for item in result.findings.said)
            if file.name == "batches.bin":
                assert {"VERIFY_DIGEST"} <= {item.code for item in result.findings.said}
        finally:
            file.write_bytes(clean[file])

    flip()


async def test_who_rewrites_index_and_digests_is_betrayed_by_the_signatures(
    folder, gateway, delivered
):
    """A forger without the key changes one value everywhere he can."""
    home = folder / "streams" / delivered[0].id
    raw = bytearray((home / "batches.bin").read_bytes())
    lines = (home / "batches.jsonl").read_bytes().splitlines(keepends=True)
    size = json.loads(lines[0])["bytes"]
    raw[size - 1] ^= 1
    (home / "batches.bin").write_bytes(raw)
    first = json.loads(lines[0]) | {"sha256": hashlib.sha256(raw[:size]).hexdigest()}
    lines[0] = json.dumps(first, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    (home / "batches.jsonl").write_bytes(b"".join(lines))
    index = decode_index((folder / "index.json").read_bytes())
    for name in index.files:
        content = (folder / name).read_bytes()
        index.files[name] = (len(content), hashlib.sha256(content).hexdigest())
    (folder / "index.json").write_bytes(encode_index(index))
    one = found(folder, gateway.key.public).findings.said[0]
    assert (one.code, one.stream, one.seq) == ("VERIFY_HEAD", delivered[0].id, 2)


async def test_missing_cut_and_foreign_files_are_named(folder, gateway, tmp_path):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, file in enumerate(files):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(folder, copy)
        target = copy / file.relative_to(folder)
        content = target.read_bytes()
        target.write_bytes(content[: len(content) // 2])
        assert found(copy, gateway.key.public).findings.count, file
        target.unlink()
        assert found(copy, gateway.key.public).findings.count, file
        target.mkdir()
        assert found(copy, gateway.key.public).findings.count, file
    (folder / "more.txt").write_text("?")
    (item,) = found(folder, gateway.key.public).findings.said
    assert item.params["file"] == "more.txt"


def reindexed(folder, streams=None):
    """Let the index vouch for the files as they are now; `streams`: the parts it names."""
    index = decode_index((folder / "index.json").read_bytes())
    for name in index.files:
        content = (folder / name).read_bytes()
        index.files[name] = (len(content), hashlib.sha256(content).hexdigest())
    parts = index.streams if streams is None else streams(index.streams)
    (folder / "index.json").write_bytes(encode_index(replace(index, streams=parts)))


async def test_what_belongs_to_no_stream_is_no_evidence(folder, gateway, delivered):
    """Files that the index lists and nothing verifies would pass for verified ones."""
    stream, alarm = delivered
    reindexed(folder, lambda parts: [part for part in parts if part.id == stream.id])
    said = found(folder, gateway.key.public).findings.said
    assert {item.params["reason"] for item in said} == {"of no stream"}
    assert all(alarm.id in item.params["file"] for item in said)
    reindexed(folder, lambda parts: [])
    codes = {item.code for item in found(folder, gateway.key.public).findings.said}
    assert "VERIFY_NOTHING" in codes


async def test_a_stream_named_twice_is_not_counted_twice(folder, gateway):
    reindexed(folder, lambda parts: (*parts, parts[0]))
    (item,) = found(folder, gateway.key.public).findings.said
    assert item.params == {"file": "index.json", "reason": "WIRE_REFERENCE"}


@pytest.mark.parametrize("kind", ["link", "endless", "pipe", "linked folder"])
async def test_what_is_no_plain_file_is_named_and_not_read(folder, gateway, tmp_path, kind):
    readme = folder / "README.md"
    target = folder / "more" if kind == "linked folder" else readme
    outside = tmp_path / "outside"
    outside.mkdir()
    if target is readme:
        readme.rename(outside / "README.md")
    if kind == "pipe":
        os.mkfifo(target)
    else:
        links = {"link": outside / "README.md", "endless": Path("/dev/zero")}
        target.symlink_to(links.get(kind, outside))
    result = found(folder, gateway.key.public)
    (item,) = result.findings.said
    assert (item.params["file"], item.params["reason"]) == (target.name, "not a plain file")
    assert result.index is None


async def test_a_name_says_nothing_beyond_its_line(folder, gateway):
    """Whoever made the folder chose the names; they are no sentences and no codes of a terminal."""
    (folder / "a\n\x1b[2J").write_text("?")
    os.close(os.open(os.fsencode(folder) + b"/\xff", os.O_CREAT))
    for item in (said := found(folder, gateway.key.public).findings.said):
        assert item.params["file"].isprintable()
        assert item.params["file"].encode()
    assert len(said) == 2


async def test_only_what_was_asked_for_from_head_to_head(
    collector, gateway, delivered, clock, tmp_path
):
    stream, _ = delivered
    begin = clock.now()
    for value in range(10):
        clock.move(1)
        await gateway.deliver(collector, stream, gateway.reading("level", float(value)))
    index = hand_out(collector, tmp_path / "cut", begin + 4 * SECOND, begin + 7 * SECOND)
    (part,) = index.streams
    assert (part.start.kind, part.start.seq, part.last) == ("edge", 10, 13)
    result = found(tmp_path / "cut", gateway.key.public)
    assert result.findings.said == []
    assert (result.streams[0].signed, result.streams[0].opening_signed) == (13, True)


async def test_nothing_there_and_no_place_to_write(collector, delivered, tmp_path):
    with pytest.raises(NothingKept):
        hand_out(collector, tmp_path / "a", 1, 2)
    (tmp_path / "b").mkdir()
    with pytest.raises(ExportFailed):
        hand_out(collector, tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".tmp") == []


async def test_the_command_line(folder, gateway, tmp_path, capsys):
    key = tmp_path / "key.txt"
    key.write_text(gateway.key.public.encode() + "\n")
    assert main([str(folder), "--key", str(key)]) == 0
    assert "完好" in capsys.readouterr().out
    assert main([str(folder), "--unsigned", "--language", "en", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["whole"], told["streams"][0]["signed"]) == (True, 0)
    assert main([str(folder), "--key", "ed25519:nonsense"]) == 2
    other = Ed25519Signer.generate().public.encode()
    assert main([str(folder), "--key", other]) == 1
    refused = [line for line in capsys.readouterr().out.splitlines() if "没有给出它的公钥" in line]
    assert len(refused) == 2, "one line for each stream, not for each signature"
    (folder / "index.json").write_bytes(b"[" * 100_000)
    assert main([str(folder), "--key", str(key)]) == 1
    assert "index.json" in capsys.readouterr().out


def test_the_verifier_needs_only_protocols_and_what_checks_signatures():
    code = (
        "import sys, protocols.verify.__main__; "
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {name for name in done.stdout.split() if name not in sys.stdlib_module_names} - {
        "sitecustomize"
    }
    assert {name for name in loaded if not name.startswith("_")} <= {
        "protocols",
        "cryptography",
        "nacl",
        "cffi",
    }
