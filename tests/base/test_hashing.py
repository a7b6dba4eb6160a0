"""Hashes against hashlib, and what they must and must not tell apart."""

import hashlib

import numpy as np
import pytest

from workbench.base.hashing import hash_arrays, hash_file, hash_json


def test_json_is_hashed_in_canonical_form():
    value = {"b": [1, 2.5, None, True], "a": {"ü": "x"}}
    assert hash_json(value) == hash_json({"a": {"ü": "x"}, "b": [1, 2.5, None, True]})
    assert hash_json(value) == hashlib.sha256('{"a":{"ü":"x"},"b":[1,2.5,null,true]}'.encode()).hexdigest()


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {"a": 1.5}, {"a": None}, {"b": 1}, {"a": [1]}, {}])
def test_json_values_are_told_apart(other):
    assert hash_json({"a": 1}) != hash_json(other)


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        hash_json({"a": float("nan")})
    with pytest.raises(TypeError):
        hash_json({"a": {1, 2}})


def test_arrays_are_told_apart_by_name_type_shape_and_values():
    plain = np.arange(6, dtype=np.int32)
    hashes = [
        hash_arrays({"a": plain}),
        hash_arrays({"b": plain}),
        hash_arrays({"a": plain.astype(np.int64)}),
        hash_arrays({"a": plain.reshape(2, 3)}),
        hash_arrays({"a": plain + 1}),
        hash_arrays({"a": plain, "b": plain}),
    ]
    assert len(set(hashes)) == len(hashes)


def test_arrays_hash_by_content_not_by_memory_or_order():
    values = np.arange(12.0).reshape(3, 4)
    assert hash_arrays([values]) == hash_arrays([np.asfortranarray(values)])
    assert hash_arrays([values[:, ::2]]) == hash_arrays([values[:, ::2].copy()])
    assert hash_arrays({"a": values, "b": values[0]}) == hash_arrays({"b": values[0], "a": values})
    assert hash_arrays([values, values[0]]) != hash_arrays([values[0], values])


def test_a_file_is_hashed_by_its_bytes(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "f").write_bytes(content)
    assert hash_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()
