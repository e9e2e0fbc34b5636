"""A model file is whole or refused: nothing in between, and never code."""

from __future__ import annotations

import json
import os
import pickle
import stat
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save as to_bytes

from rnnforecast.persistence import files
from rnnforecast.persistence.files import ModelFileError, read, write

TREE = {"class": "thing", "values": [1, 2.5, None, True, "é"]}
ARRAYS = {
    "0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "1": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "2": np.array(3.5),
    "3": np.empty((0, 4)),
    "4": np.array([True, False]),
    "5": np.arange(4, dtype=np.int64)[::-1],
}


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "model.rnn", TREE, ARRAYS)
    return tmp_path / "model.rnn"


def test_what_is_written_is_read(path):
    tree, arrays = read(path)
    assert tree == TREE
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert np.array_equal(arrays[name], array)


def test_the_same_model_makes_the_same_bytes(path, tmp_path):
    write(tmp_path / "again.rnn", TREE, ARRAYS)
    assert (tmp_path / "again.rnn").read_bytes() == path.read_bytes()


def test_truncations_are_refused(path):
    whole = path.read_bytes()
    for size in (*range(0, len(whole), 7), *range(len(whole) - 9, len(whole))):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError):
            read(path)


def test_flipped_bits_are_refused_or_change_nothing(path):
    whole, step = path.read_bytes(), 41
    refused = 0
    for position in range(0, 8 * len(whole), step):
        changed = bytearray(whole)
        changed[position // 8] ^= 1 << position % 8
        path.write_bytes(changed)
        try:
            tree, arrays = read(path)
        except ModelFileError:
            refused += 1
            continue
        assert tree == TREE
        assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())
    assert refused > 0.95 * 8 * len(whole) / step  # padding of the header may hold any white space


def test_foreign_files_are_refused(tmp_path):
    cases = {
        "pickle": pickle.dumps({"class": "thing"}),
        "words": b"this is no model",
        "nothing": b"",
        "zeros": bytes(4096),
        "other safetensors": to_bytes({"weight": np.zeros(3)}),
        "another program": to_bytes({"weight": np.zeros(3)}, {"format": "pt"}),
        "huge header": (2**62).to_bytes(8, "little") + b"{}",
        "huge array": _with_header({"a": {"dtype": "F64", "shape": [2**60], "data_offsets": [0, 2**63]}}),
        "overflowing shape": _with_header({"a": {"dtype": "F64", "shape": [2**40, 2**40], "data_offsets": [0, 0]}}),
        "deep nesting": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    }
    for name, data in cases.items():
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(ModelFileError):
            read(tmp_path / "file")
        assert name
    with zipfile.ZipFile(tmp_path / "bomb.rnn", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("model", bytes(10_000_000))
    with pytest.raises(ModelFileError):
        read(tmp_path / "bomb.rnn")


def _with_header(header):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path):
    with pytest.raises(ModelFileError, match="is no file"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read(tmp_path / "nothing")


def test_a_newer_format_asks_for_an_upgrade(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "VERSION", 2)
    write(tmp_path / "new", TREE, {})
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match="reads formats up to 1; upgrade"):
        read(tmp_path / "new")


def test_deep_trees_are_refused_without_a_crash(tmp_path):
    text = '{"version": 1, "library": "0", "checksum": "", "tree": ' + "[" * 200_000 + "]" * 200_000 + "}"
    (tmp_path / "deep").write_bytes(to_bytes({}, {"rnnforecast": text}))
    with pytest.raises(ModelFileError):
        read(tmp_path / "deep")


def test_a_failed_write_leaves_the_old_file_and_no_other(path, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        write(path, {"class": "other"}, {})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_others_may_read_what_the_umask_lets_them(tmp_path):
    mask = os.umask(0o022)
    try:
        write(tmp_path / "model", TREE, {})
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o644
