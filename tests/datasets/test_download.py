"""A download ends with the whole file or with one sentence and no file, whatever the server does."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnnforecast.datasets.download import download

CONTENT = bytes(range(256)) * 1200  # 307,200 bytes: several reads
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = {"timeout": 0.3, "delay": 0.01, "verbose": False}


class Server(ThreadingHTTPServer):
    """Serves `content` under any path and misbehaves as `faults` say, one of them for each request, then no more."""

    daemon_threads = True
    block_on_close = False  # a handler may be asleep

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.faults, self.ranges = CONTENT, [], []
        self.address = f"http://127.0.0.1:{self.server_port}/folder/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, int):
            self.send_error(fault)
        elif fault == "redirect":
            self.moved("/elsewhere/file.bin")
        elif fault == "loop":
            self.server.faults.insert(0, "loop")
            self.moved(self.path)
        elif fault == "hang up":
            self.connection.close()
        else:
            self.body(fault)

    def moved(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def body(self, fault: str | None) -> None:
        content = self.server.content
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and fault != "ignore range" else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if fault == "other range":
            start -= 7
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        sent = content[start:]
        if fault != "no length":
            self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if fault in ("truncate", "stall"):
            sent = sent[: len(sent) // 2]
        if fault == "corrupt":
            sent = b"?" + sent[1:]
        try:
            self.wfile.write(sent)
            if fault == "stall":
                self.wfile.flush()
                time.sleep(1.0)
        except ConnectionError:  # the other side has had enough
            pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "file.bin"


def only(path: Path) -> bool:
    """Return whether the file is whole and alone in its folder."""
    return path.read_bytes() == CONTENT and os.listdir(path.parent) == [path.name]


def test_a_file_arrives_whole_in_a_folder_that_is_made(server, path):
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert server.ranges == [None]


@pytest.mark.parametrize("fault", ["redirect", "no length"])
def test_what_http_allows_is_no_fault(server, path, fault):
    server.faults = [fault]
    download(server.address, path, sha256=SHA256, n_retries=0, **QUICK)
    assert only(path)


@pytest.mark.parametrize("fault", ["truncate", "stall"])
def test_an_interrupted_download_goes_on_where_it_stopped(server, path, fault):
    server.faults = [fault]
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


@pytest.mark.parametrize("fault", ["truncate", "stall"])
def test_without_a_checksum_every_attempt_begins_at_the_beginning(server, path, fault):
    server.faults = [fault, None, fault]
    download(server.address, path, **QUICK)
    assert only(path)
    path.unlink()
    with pytest.raises(OSError, match=r"timed out|ended after 153600 of 307200 bytes"):
        download(server.address, path, n_retries=0, **QUICK)
    assert os.listdir(path.parent) == []
    download(server.address, path, **QUICK)
    assert server.ranges == [None] * 4


def test_another_call_continues_what_an_earlier_one_left(server, path):
    server.faults = ["truncate"]
    with pytest.raises(OSError, match="the connection ended after 153600 of 307200 bytes"):
        download(server.address, path, sha256=SHA256, n_retries=0, **QUICK)
    assert os.listdir(path.parent) == ["file.bin.part"]
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert server.ranges == [None, "bytes=153600-"]


def test_what_a_dead_process_left_is_continued_and_what_a_living_one_writes_is_not(server, path):
    path.parent.mkdir()
    living, dead = (path.parent / f"file.bin.{token}.part" for token in ("11111111", "22222222"))
    living.write_bytes(b"of another process")
    download(server.address, path, sha256=SHA256, **QUICK)
    dead.write_bytes(CONTENT[:1000])
    os.utime(dead, (0, time.time() - 3600))
    download(server.address, path, sha256=SHA256, **QUICK)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]
    assert sorted(os.listdir(path.parent)) == ["file.bin", living.name]
    assert living.read_bytes() == b"of another process"


@pytest.mark.parametrize(("fault", "n_requests"), [("ignore range", 2), ("other range", 3)])
def test_a_server_that_sends_another_part_than_asked_for_ruins_nothing(server, path, fault, n_requests):
    server.faults = ["truncate", fault]
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert len(server.ranges) == n_requests


def test_a_file_that_lacked_only_its_name_gets_it(server, path):
    path.parent.mkdir()
    (path.parent / "file.bin.part").write_bytes(CONTENT)
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("left", [b"of an older version", CONTENT + b"and more"])
def test_a_part_that_does_not_fit_is_thrown_away(server, path, left):
    path.parent.mkdir()
    (path.parent / "file.bin.part").write_bytes(left)
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert server.ranges == [f"bytes={len(left)}-", None]


def test_a_corrupt_file_is_refused_with_both_checksums_and_nothing_stays(server, path):
    server.faults = ["corrupt"]
    with pytest.raises(OSError, match=rf"has the SHA-256 checksum [0-9a-f]{{64}}, expected was {SHA256}"):
        download(server.address, path, sha256=SHA256, **QUICK)
    assert os.listdir(path.parent) == []
    assert len(server.ranges) == 1  # the same bytes would come again


def test_a_file_is_refused_if_the_check_of_its_content_fails(server, path):
    def check(file):
        assert file.read_bytes() == CONTENT
        raise ValueError("a page to log in")

    with pytest.raises(OSError, match="what came is something else, a page to log in"):
        download(server.address, path, check=check, **QUICK)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("status", [403, 404])
def test_an_answer_that_will_not_change_is_not_asked_for_again(server, path, status):
    server.faults = [status] * 9
    with pytest.raises(OSError, match=f"the server answered {status} "):
        download(server.address, path, sha256=SHA256, **QUICK)
    assert len(server.ranges) == 1
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("fault", [500, 503, 429, "hang up"])
def test_an_overloaded_server_is_asked_again_but_not_for_ever(server, path, fault):
    server.faults = [fault] * 2
    download(server.address, path, sha256=SHA256, **QUICK)
    assert only(path)
    assert len(server.ranges) == 3
    path.unlink()
    server.faults = [fault] * 9
    with pytest.raises(OSError, match=r"could not be downloaded from http://127\.0\.0\.1"):
        download(server.address, path, sha256=SHA256, n_retries=2, **QUICK)
    assert len(server.ranges) == 6


def test_redirects_in_a_circle_end(server, path):
    server.faults = ["loop"]
    with pytest.raises(OSError, match=r"the server answered 302 .* infinite loop"):
        download(server.address, path, sha256=SHA256, **QUICK)


def test_waiting_doubles(server, path, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.faults = [503] * 3
    download(server.address, path, sha256=SHA256, n_retries=3, delay=0.5, verbose=False)
    assert pauses == [0.0, 0.5, 1.0, 2.0]


def test_without_a_network_one_sentence_names_address_place_and_remedy(server, path):
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError, match="refused") as caught:
        download(server.address, path, sha256=SHA256, n_retries=1, **QUICK)
    assert str(caught.value).startswith(f"file.bin could not be downloaded from {server.address}: ")
    assert str(caught.value).endswith(f"get the file by other means and save it as {path}")
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_asked_for(server, path):
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"folder cannot be written \(.*\), data_home= names another folder"):
        download(server.address, path, sha256=SHA256, **QUICK)
    assert server.ranges == []


def test_an_interrupt_leaves_the_part_to_be_continued(server, path, monkeypatch):
    server.faults = ["truncate"]

    def interrupt(seconds):
        if seconds:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(server.address, path, sha256=SHA256, **QUICK)
    assert [file.stat().st_size for file in path.parent.iterdir()] == [153600]
    download(server.address, path, sha256=SHA256, **QUICK)
    assert server.ranges == [None, "bytes=153600-"]


def test_two_processes_at_once_leave_one_whole_file_and_only_one_continues(server, path):
    path.parent.mkdir()
    (path.parent / "file.bin.part").write_bytes(CONTENT[:100000])
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=download, args=(server.address, path), kwargs={"sha256": SHA256}) for _ in "ab"]
    for process in others:
        process.start()
    for process in others:
        process.join()
    assert [process.exitcode for process in others] == [0, 0]
    assert only(path)
    assert server.ranges.count("bytes=100000-") == 1


def test_progress_goes_to_stderr_and_only_if_asked_for(server, path, capsys):
    server.faults = [503]
    download(server.address, path, sha256=SHA256, timeout=1.0, delay=0.01)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "file.bin: the server answered 503 Service Unavailable; trying again in 0.01 s",
        f"file.bin: 0.3 MB from {server.address}",
    ]
    path.unlink()
    download(server.address, path, sha256=SHA256, **QUICK)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_how_far_it_is(server, path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    download(server.address, path, sha256=SHA256)
    assert capsys.readouterr().err.endswith("\rfile.bin: 0.3 MB\n")
