"""The one-off offline conversion that makes the shipped Moonshine graphs fast (run as a program, see ``main``).

The wheels carry ORT-format graphs whose weights are uint8 behind a Cast-Mul-Add chain that the runtime repeats at every
step. This program folds those chains once, quantises the decoder's matrix products to int8 per output channel (the
encoder stays fp32: int8 there costs word errors), and gives the decoder one more output per layer, its cross
attention, from which word times are read. It needs about 7 s and 0.9 GB, hence a process of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from transcripts.engine.weights import DECODER, ENCODER, TOKENIZER


def to_onnx(source: Path, target: Path) -> onnx.ModelProto:
    """Reads an ORT-format file and returns it as plain ONNX (``target`` is overwritten, optimisation off)."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ONNX")
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    return onnx.load(str(target))


def to_ort(model: onnx.ModelProto, scratch: Path, target: Path) -> None:
    """Saves ``model`` in ORT format, optimised as far as every CPU understands (level EXTENDED)."""
    onnx.save(model, str(scratch))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(scratch), options, providers=["CPUExecutionProvider"])


def fold_weights(graph: onnx.GraphProto) -> None:
    """Replaces each ``X_quantized -> Cast -> Mul(scale) -> Add(offset)`` chain by one fp32 initializer.

    Weights that the graph uses as integers (tiny-en was shipped so) stay as they are.
    """
    values = {tensor.name: tensor for tensor in graph.initializer}
    users = {name: node for node in graph.node for name in node.input}
    folded: list[onnx.TensorProto] = []
    gone: set[str] = set()
    for name in [name for name in values if name.endswith("_quantized")]:
        chain = _chain(users, name)
        if not chain:
            continue
        scale, offset = (_constant(node, values) for node in chain[1:])
        weight = numpy_helper.to_array(values[name]).astype(np.float32) * scale + offset
        folded.append(numpy_helper.from_array(weight.astype(np.float32), chain[-1].output[0]))
        gone.update([name, *(node.name for node in chain)])
    _replace(graph.node, [node for node in graph.node if node.name not in gone])
    _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name not in gone] + folded)


def _chain(users: dict[str, onnx.NodeProto], name: str) -> list[onnx.NodeProto]:
    chain: list[onnx.NodeProto] = []
    for expected in ("Cast", "Mul", "Add"):
        node = users.get(name)
        if node is None or node.op_type != expected:
            return []
        chain.append(node)
        name = node.output[0]
    return chain


def _constant(node: onnx.NodeProto, values: dict[str, onnx.TensorProto]) -> NDArray[np.float32]:
    name = next(name for name in node.input if name in values)
    return np.asarray(numpy_helper.to_array(values[name]), dtype=np.float32)


def _replace(field: object, items: Sequence[object]) -> None:
    del field[:]  # type: ignore[attr-defined]
    field.extend(items)  # type: ignore[attr-defined]


def branches(graph: onnx.GraphProto) -> list[onnx.GraphProto]:
    """The two bodies of the decoder's ``If`` (with and without cache), named, since ORT format wants names."""
    node = next(node for node in graph.node if node.op_type == "If")
    bodies = []
    for attribute in node.attribute:
        attribute.g.name = attribute.name
        bodies.append(attribute.g)
    return bodies


def expose_cross_attention(graph: onnx.GraphProto) -> int:
    """Adds outputs ``cross_attentions.N`` of shape [1, heads, tokens, frames]; returns the number of layers."""
    layers = 0
    for body in branches(graph):
        found = [node for node in body.node if node.op_type == "Softmax" and "/encoder_attn/" in node.name]
        layers = len(found)
        for number, node in enumerate(found):
            name = f"cross_attentions.{number}.{body.name}"
            body.node.append(helper.make_node("Identity", [node.output[0]], [name], name=name))
            body.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    node = next(node for node in graph.node if node.op_type == "If")
    for number in range(layers):
        name = f"cross_attentions.{number}"
        node.output.append(name)
        graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return layers


def fold_transposes(graph: onnx.GraphProto) -> None:
    """Makes the transposed embedding, which both bodies compute at every step, an initializer of its own."""
    values = {tensor.name: tensor for tensor in graph.initializer}
    for body in branches(graph):
        found = [node for node in body.node if node.op_type == "Transpose" and node.input[0] in values]
        for node in found:
            name = node.output[0]
            if name not in values:
                array = np.ascontiguousarray(numpy_helper.to_array(values[node.input[0]]).T)
                values[name] = numpy_helper.from_array(array, name)
                graph.initializer.append(values[name])
        _replace(body.node, [node for node in body.node if node not in found])


def drop_unused(graph: onnx.GraphProto) -> None:
    """Drops the initializers that nothing reads any more (the runtime would warn about each)."""
    used = {name for node in graph.node for name in node.input}
    if any(node.op_type == "If" for node in graph.node):
        used.update(name for body in branches(graph) for node in body.node for name in node.input)
    _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])


def quantise(graph: onnx.GraphProto, limit: int) -> None:
    """Turns every MatMul by a constant 2-D weight into DynamicQuantizeLinear + MatMulInteger + scale.

    ``limit`` is the largest absolute weight: 127, or 63 for processors whose 8-bit products saturate.
    """
    values = {tensor.name: tensor for tensor in graph.initializer}
    made: dict[str, list[onnx.TensorProto]] = {}
    for body in branches(graph):
        nodes: list[onnx.NodeProto] = []
        inputs: set[str] = set()
        for node in body.node:
            weight = values.get(node.input[1]) if node.op_type == "MatMul" else None
            if weight is None or len(weight.dims) != 2:
                nodes.append(node)
                continue
            made.setdefault(weight.name, _int8(weight, limit))
            nodes.extend(_quantised_matmul(node, weight.name, inputs))
        _replace(body.node, nodes)
    graph.initializer.extend(tensor for tensors in made.values() for tensor in tensors)


def _int8(weight: onnx.TensorProto, limit: int) -> list[onnx.TensorProto]:
    array = numpy_helper.to_array(weight)
    scale = np.maximum(np.abs(array).max(axis=0), 1e-8) / limit
    quantised = np.clip(np.round(array / scale), -limit, limit).astype(np.int8)
    return [
        numpy_helper.from_array(quantised, f"{weight.name}.int8"),
        numpy_helper.from_array(scale.astype(np.float32), f"{weight.name}.scale"),
        numpy_helper.from_array(np.zeros(scale.shape, np.int8), f"{weight.name}.zero"),
    ]


def _quantised_matmul(node: onnx.NodeProto, weight: str, inputs: set[str]) -> Iterator[onnx.NodeProto]:
    source, target = node.input[0], node.output[0]
    parts = [f"{source}.u8", f"{source}.u8_scale", f"{source}.u8_zero"]
    if source not in inputs:
        inputs.add(source)
        yield helper.make_node("DynamicQuantizeLinear", [source], parts, name=f"{source}.quantise")
    integers, floats, scale = (f"{target}.{part}" for part in ("int32", "float", "scale"))
    yield helper.make_node(
        "MatMulInteger", [parts[0], f"{weight}.int8", parts[2], f"{weight}.zero"], [integers], name=integers
    )
    yield helper.make_node("Cast", [integers], [floats], name=floats, to=onnx.TensorProto.FLOAT)
    yield helper.make_node("Mul", [parts[1], f"{weight}.scale"], [scale], name=scale)
    yield helper.make_node("Mul", [floats, scale], [target], name=f"{target}.rescale")


def keep_known_domains(model: onnx.ModelProto) -> None:
    """Drops the operator sets that the runtime lists but this graph does not use."""
    kept = [opset for opset in model.opset_import if opset.domain in ("", "com.microsoft")]
    _replace(model.opset_import, list(kept))


def convert(source: Path, target: Path, limit: int) -> None:
    """Converts encoder and decoder of ``source`` into the existing, empty folder ``target``."""
    scratch = target / "scratch.onnx"
    encoder = to_onnx(source / ENCODER, scratch)
    fold_weights(encoder.graph)
    drop_unused(encoder.graph)
    keep_known_domains(encoder)
    to_ort(encoder, scratch, target / ENCODER)
    del encoder
    decoder = to_onnx(source / DECODER, scratch)
    fold_weights(decoder.graph)
    fold_transposes(decoder.graph)
    expose_cross_attention(decoder.graph)
    quantise(decoder.graph, limit)
    drop_unused(decoder.graph)
    keep_known_domains(decoder)
    to_ort(decoder, scratch, target / DECODER)
    scratch.unlink()
    (target / TOKENIZER).write_bytes((source / TOKENIZER).read_bytes())


def main(arguments: list[str]) -> int:
    """``python -m transcripts.engine.convert SOURCE TARGET LIMIT``."""
    parser = argparse.ArgumentParser(description="Convert the shipped Moonshine weights.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("limit", type=int)
    ort.set_default_logger_severity(3)
    options = parser.parse_args(arguments)
    convert(options.source, options.target, options.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
