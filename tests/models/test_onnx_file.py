from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from findalike.errors import BundleError
from findalike.models.onnx_file import external_files


def _external(name: str, location: str) -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), name)
    set_external_data(tensor, location, offset=0, length=16)
    return tensor


def _graph(name: str, *, nodes=(), tensors=(), sparse=()):
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
    return helper.make_graph(
        list(nodes), name, [], [output], list(tensors), sparse_initializer=list(sparse)
    )


def test_a_model_in_one_file_names_none(tmp_path, write_model):
    assert external_files(write_model(tmp_path / "m.onnx")) == set()


def test_weights_beside_the_graph_are_named(tmp_path, write_model):
    assert external_files(write_model(tmp_path / "m.onnx", external="m.data")) == {"m.data"}


def test_every_place_that_can_hold_a_tensor_is_looked_at(tmp_path):
    inner = _graph("inner", tensors=[_external("i", "/in/subgraph")])
    sparse = helper.make_sparse_tensor(
        _external("v", "in_sparse_values"), _external("x", "../in_sparse_indices"), [8]
    )
    nodes = [
        helper.make_node("Constant", [], ["a"], value=_external("t", "in_attribute")),
        helper.make_node("If", ["a"], ["b"], then_branch=inner, else_branch=_graph("empty")),
        helper.make_node(
            "X", [], ["c"], domain="d", many=[_external("l", "in_list")], graphs=[inner]
        ),
        helper.make_node("Constant", [], ["e"], sparse_value=sparse),
    ]
    function = helper.make_function(
        "d",
        "F",
        [],
        ["o"],
        [helper.make_node("Constant", [], ["o"], value=_external("f", "in_function"))],
        [helper.make_opsetid("", 18)],
    )
    graph = _graph("g", nodes=nodes, tensors=[_external("w", "in_weights")], sparse=[sparse])
    model = helper.make_model(graph, functions=[function])
    training = model.training_info.add()
    training.algorithm.CopyFrom(_graph("algorithm", tensors=[_external("s", "in_training")]))
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    assert external_files(path) == {
        "/in/subgraph", "../in_sparse_indices", "in_sparse_values", "in_attribute", "in_list",
        "in_function", "in_weights", "in_training",
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"\x3a\xff\xff\x7f", b"not a model", b"\x3a"])
def test_what_is_not_onnx_is_refused(tmp_path, data):
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with pytest.raises(BundleError, match=r"m\.onnx"):
        external_files(path)


def test_a_model_cut_off_anywhere_never_crashes(tmp_path, write_model):
    data = write_model(tmp_path / "whole.onnx", external="m.data").read_bytes()
    path = tmp_path / "cut.onnx"
    refused = 0
    for length in range(1, len(data), 7):
        path.write_bytes(data[:length])
        try:
            assert external_files(path) <= {"m.data"}
        except BundleError:
            refused += 1
    assert refused > 10


def test_deep_nesting_is_refused(tmp_path):
    graph = _graph("innermost")
    for _ in range(20):
        graph = _graph("g", nodes=[helper.make_node("If", ["c"], ["o"], then_branch=graph)])
    path = tmp_path / "m.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(BundleError, match="nested too deeply"):
        external_files(path)
