"""qconvert --emit-qdq: the ONNX model that it writes is well-formed, has the form that other engines run in int8, and
computes what the .qfb file computes."""
import os
import sys
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tools

sys.path.insert(0, os.path.join(tools.SOURCE, "tests/zoo"))
from onnx_eval import evaluate  # noqa: E402

ZOO = os.path.join(tools.SOURCE, "tests/zoo/rps")


def source(nodes, weights, shape, outputs=("y",)):
    """Bytes of a float model with input x. nodes: (type, inputs, output, attributes); an array among the weights is
    float, a list int64, and a tuple the shape of random floats."""
    generator = np.random.default_rng(3)
    initializers = []
    for name, value in weights.items():
        if isinstance(value, tuple):
            value = generator.normal(0, 0.5, value).astype(np.float32)
        elif isinstance(value, list):
            value = np.array(value, np.int64)
        initializers.append(numpy_helper.from_array(np.asarray(value), name))
    made = [helper.make_node(kind, list(inputs), list(out) if isinstance(out, tuple) else [out],
                             name=f"{kind}_{i}", **attributes)
            for i, (kind, inputs, out, attributes) in enumerate(nodes)]
    graph = helper.make_graph(made, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)]).SerializeToString()


CONV = {"w": (6, 4, 3, 3), "b": (6,)}
# A convolution from 4 to 6 channels that keeps height and width: most cases begin with it.
FIRST = ("Conv", ["x", "w", "b"], "c", {"pads": [1, 1, 1, 1]})
IMAGE = [1, 4, 6, 5]


def unary(kind, **attributes):
    return source([FIRST, (kind, ["c"], "y", attributes)], CONV, IMAGE)


CASES = {
    "conv": source([("Conv", ["x", "w", "b"], "y", {"pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]})], CONV, IMAGE),
    "grouped": source([("Conv", ["x", "w"], "y", {"group": 2, "strides": [2, 2]})], {"w": (6, 2, 3, 3)}, IMAGE),
    "depthwise": source([("Conv", ["x", "w", "b"], "y", {"group": 4, "pads": [1, 1, 1, 1]})],
                        {"w": (4, 1, 3, 3), "b": (4,)}, IMAGE),
    "relu6": source([FIRST, ("Clip", ["c", "lo", "hi"], "y", {})],
                    {**CONV, "lo": np.float32(0), "hi": np.float32(6)}, IMAGE),
    # The pooled and padded values share the parameters of the convolution: a range wider than its clamp.
    "narrow_clamp": source([FIRST, ("Clip", ["c", "lo", "hi"], "k", {}), ("Pad", ["k", "pads", "three"], "y", {})],
                           {**CONV, "lo": np.float32(-0.5), "hi": np.float32(1), "pads": [0, 0, 1, 0, 0, 0, 1, 2],
                            "three": np.float32(3)}, IMAGE),
    "transposed": source([("ConvTranspose", ["x", "w", "b"], "y", {"strides": [2, 2], "pads": [1, 1, 1, 1],
                                                                   "output_padding": [1, 1]})],
                         {"w": (4, 3, 3, 3), "b": (3,)}, IMAGE),
    "transposed_groups": source([("ConvTranspose", ["x", "w"], "y", {"strides": [2, 3], "group": 2})],
                                {"w": (4, 3, 2, 3)}, IMAGE),
    "transposed_plain": source([("ConvTranspose", ["x", "w"], "y", {"pads": [2, 2, 2, 2]})], {"w": (4, 3, 3, 3)}, IMAGE),
    "gemm": source([("Flatten", ["x"], "f", {}), ("Gemm", ["f", "w", "b"], "y", {"transB": 1})],
                   {"w": (7, 120), "b": (7,)}, IMAGE),
    "gemm_behind_conv": source([FIRST, ("Flatten", ["c"], "f", {}), ("Gemm", ["f", "v"], "y", {})], {**CONV, "v": (180, 5)}, IMAGE),
    "matmul": source([("MatMul", ["x", "w"], "m", {}), ("Add", ["m", "b"], "y", {})], {"w": (5, 8), "b": (8,)}, [1, 6, 5]),
    "matmul_of_image": source([("MatMul", ["x", "w"], "m", {}), ("Add", ["m", "b"], "y", {})],
                              {"w": (5, 8), "b": (8,)}, [1, 3, 6, 5]),
    "residual": source([("Conv", ["x", "w", "b"], "c", {"pads": [1, 1, 1, 1]}), ("Add", ["c", "x"], "s", {}), ("Relu", ["s"], "y", {})],
                       {"w": (4, 4, 3, 3), "b": (4,)}, IMAGE),
    "sub_mul": source([FIRST, ("Sub", ["c", "k"], "s", {}), ("Mul", ["s", "c"], "y", {})], {**CONV, "k": (1, 6, 1, 1)}, IMAGE),
    "max_pool": source([FIRST, ("MaxPool", ["c"], "y", {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]})], CONV, IMAGE),
    "average_pool": source([FIRST, ("AveragePool", ["c"], "y", {"kernel_shape": [3, 3], "strides": [2, 2],
                                                                "pads": [1, 1, 1, 1]})], CONV, IMAGE),
    "average_pool_counts_pads": source([FIRST, ("AveragePool", ["c"], "y", {
        "kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "count_include_pad": 1})], CONV, IMAGE),
    "global_average": source([FIRST, ("GlobalAveragePool", ["c"], "p", {}), ("Flatten", ["p"], "f", {}),
                              ("Gemm", ["f", "v"], "y", {})], {**CONV, "v": (6, 3)}, IMAGE),
    "concat": source([FIRST, ("Sigmoid", ["c"], "s", {}), ("Concat", ["c", "x", "s"], "y", {"axis": 1})], CONV, IMAGE),
    "slices": source([FIRST, ("Slice", ["c", "starts", "ends", "axes", "steps"], "y", {})],
                     {**CONV, "starts": [1, 2, 1], "ends": [5, 1000, -1], "axes": [1, 2, 3], "steps": [2, 1, 2]}, IMAGE),
    "pad": source([FIRST, ("Pad", ["c", "pads", "v"], "y", {})],
                  {**CONV, "pads": [0, 1, 2, 0, 0, 0, 1, 3], "v": np.float32(-0.75)}, IMAGE),
    "reshape": source([FIRST, ("Reshape", ["c", "s"], "r", {}), ("MatMul", ["r", "v"], "y", {})],
                      {**CONV, "s": [1, 9, 20], "v": (20, 4)}, IMAGE),
    "transpose": source([FIRST, ("Transpose", ["c"], "t", {"perm": [0, 3, 2, 1]}), ("Conv", ["t", "v"], "y", {})],
                        {**CONV, "v": (3, 5, 2, 2)}, IMAGE),
    "shuffle": source([FIRST, ("Reshape", ["c", "s"], "r", {}), ("Transpose", ["r"], "t", {"perm": [0, 2, 1, 3, 4]}),
                       ("Reshape", ["t", "u"], "f", {}), ("Conv", ["f", "v"], "y", {})],
                      {**CONV, "s": [1, 2, 3, 6, 5], "u": [1, 6, 6, 5], "v": (3, 6, 1, 1)}, IMAGE),
    "nearest": source([FIRST, ("Resize", ["c", "", "sc"], "y", {"mode": "nearest", "nearest_mode": "floor",
                       "coordinate_transformation_mode": "asymmetric"})],
                      {**CONV, "sc": np.array([1, 1, 2, 3], np.float32)}, IMAGE),
    "linear": source([FIRST, ("Resize", ["c", "", "", "sz"], "y", {"mode": "linear",
                      "coordinate_transformation_mode": "half_pixel"})], {**CONV, "sz": [1, 6, 11, 10]}, IMAGE),
    "linear_corners": source([FIRST, ("Resize", ["c", "", "", "sz"], "y", {"mode": "linear",
                              "coordinate_transformation_mode": "align_corners"})], {**CONV, "sz": [1, 6, 9, 9]}, IMAGE),
    "softmax": source([FIRST, ("Flatten", ["c"], "f", {}), ("Gemm", ["f", "v"], "g", {}), ("Softmax", ["g"], "y", {"axis": 1})],
                      {**CONV, "v": (180, 5)}, IMAGE),
    "float_between": source([FIRST, ("Max", ["c", "k"], "m", {}), ("Conv", ["m", "v"], "y", {})],
                            {**CONV, "k": (1, 6, 1, 1), "v": (3, 6, 1, 1)}, IMAGE),
    "two_outputs": source([FIRST, ("Relu", ["c"], "y", {}), ("GlobalAveragePool", ["y"], "z", {})], CONV, IMAGE, ("y", "z")),
    "nhwc_source": source([("Transpose", ["x"], "t", {"perm": [0, 3, 1, 2]}), ("Conv", ["t", "w"], "c", {}),
                           ("Transpose", ["c"], "y", {"perm": [0, 2, 3, 1]})], {"w": (6, 5, 2, 2)}, IMAGE),
    "leaky": unary("LeakyRelu", alpha=0.2), "hard_sigmoid": unary("HardSigmoid", alpha=0.3, beta=0.4),
    "hard_swish": unary("HardSwish"), "sigmoid": unary("Sigmoid"), "tanh": unary("Tanh"), "elu": unary("Elu", alpha=0.7),
    "exp": unary("Exp"), "abs": unary("Abs"), "neg": unary("Neg"), "softplus": unary("Softplus"),
    "silu": source([FIRST, ("Sigmoid", ["c"], "s", {}), ("Mul", ["c", "s"], "y", {})], CONV, IMAGE),
    "gelu": source([FIRST, ("Div", ["c", "r"], "d", {}), ("Erf", ["d"], "e", {}), ("Add", ["e", "one"], "p", {}),
                    ("Mul", ["c", "p"], "m", {}), ("Mul", ["m", "half"], "y", {})],
                   {**CONV, "r": np.float32(2 ** 0.5), "one": np.float32(1), "half": np.float32(0.5)}, IMAGE),
}


def producers(model):
    return {name: node for node in model.graph.node for name in node.output}


def final_scale(model):
    """The scale of what the first output is dequantised from; 0 if it is float."""
    node = producers(model)[model.graph.output[0].name]
    while node.op_type in ("Transpose", "Identity"):
        node = producers(model)[node.input[0]]
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    return float(values[node.input[1]]) if node.op_type == "DequantizeLinear" else 0.0


class EmitQdq(tools.ToolTest):
    def convert(self, onnx_path, *options):
        """Converts; returns the QDQ model, checked, beside model.qfb."""
        self.succeed("qconvert", onnx_path, "-o", self.path("model.qfb"), "--emit-qdq", self.path("qdq.onnx"), "--quiet", *options)
        model = onnx.load(self.path("qdq.onnx"))
        onnx.checker.check_model(model, full_check=True)
        names = [node.name for node in model.graph.node]
        self.assertEqual(len(names), len(set(names)), "ONNX Runtime refuses equal names")
        return model

    def from_bytes(self, data, shape, *options):
        np.save(self.path("calib.npy"), np.random.default_rng(5).normal(0, 1, [8, *shape[1:]]).astype(np.float32))
        return self.convert(self.write("source.onnx", data), "--calibrate", self.path("calib.npy"), *options)

    def ours(self, values):
        """The first output of model.qfb, in the source's layout."""
        np.save(self.path("x.npy"), values)
        outputs = [self.path(f"y{i}.npy") for i in range(len(onnx.load(self.path("qdq.onnx")).graph.output))]
        self.succeed("qrun", self.path("model.qfb"), "--input", self.path("x.npy"), "--output", *outputs)
        return np.load(outputs[0])

    def steps_apart(self, model, values, scale=None):
        """The largest difference between the model's first output and the .qfb's, in steps of its quantisation."""
        got, want = evaluate(model, values), self.ours(values)
        self.assertEqual(got.shape, want.shape)
        return np.abs(got - want).max() / (scale or final_scale(model) or 1 / 256)

    def check_form(self, model, per_tensor=False):
        """Every convolution and matrix product that is not kept float: weights int8 per channel (or with one scale, which is
        then a scalar, as ONNX wants it) and bias int32 behind DequantizeLinear, uint8 activations before and behind it.
        Returns how many there are."""
        made = producers(model)
        values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        readers = {}
        for node in model.graph.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        count = 0
        for node in model.graph.node:
            if node.op_type not in ("Conv", "Gemm"):
                continue
            count += 1
            dequantizers = [made[name] for name in node.input]
            self.assertEqual({d.op_type for d in dequantizers}, {"DequantizeLinear"}, node.name)
            wei, scale, zero_point = (values[name] for name in dequantizers[1].input)
            shape = () if per_tensor else (wei.shape[0],)
            self.assertEqual((wei.dtype, zero_point.dtype, scale.shape, zero_point.shape), (np.int8, np.int8, shape, shape))
            self.assertFalse(zero_point.any())
            self.assertGreaterEqual(wei.min(), -127)
            axis = [a.i for a in dequantizers[1].attribute if a.name == "axis"]
            self.assertEqual(axis, [] if per_tensor else [0])
            src_scale, src_zero_point = (values[name] for name in dequantizers[0].input[1:])
            self.assertEqual(src_zero_point.dtype, np.uint8)
            if len(dequantizers) > 2:
                bia, bia_scale = (values[name] for name in dequantizers[2].input[:2])
                self.assertEqual((bia.dtype, bia_scale.shape), (np.int32, shape))
                np.testing.assert_allclose(bia_scale, src_scale * scale, rtol=1e-6)
            self.assertEqual([reader.op_type for reader in readers[node.output[0]]], ["QuantizeLinear"], node.name)
        return count

    def test_shipped_model(self):
        model = self.convert(os.path.join(ZOO, "mobilenet_v2_rps.onnx"), "--calibrate", os.path.join(ZOO, "calib.csv"),
                             "--limit", 20, "--preprocess", "torch")
        float_model = onnx.load(os.path.join(ZOO, "mobilenet_v2_rps.onnx"))
        float_products = sum(node.op_type in ("Conv", "Gemm") for node in float_model.graph.node)
        self.assertEqual(self.check_form(model), float_products)
        self.assertEqual([i.name for i in model.graph.input], [i.name for i in float_model.graph.input])
        self.assertEqual([o.name for o in model.graph.output], [o.name for o in float_model.graph.output])
        self.assertNotIn("Clip", {node.op_type for node in model.graph.node}, "ReLU6 is in the ranges")
        generator = np.random.default_rng(1)
        # Smooth fields, as pictures are.
        values = np.kron(generator.normal(0, 1, (1, 3, 8, 8)), np.ones((16, 16))).astype(np.float32)
        self.assertLessEqual(self.steps_apart(model, values), 1.01)

        weights = next(t for t in model.graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) == 4)
        spoiled = numpy_helper.to_array(weights).copy()
        spoiled[:, 0] ^= 0x40
        scale = final_scale(model)
        weights.CopyFrom(numpy_helper.from_array(spoiled, weights.name))
        self.assertGreater(self.steps_apart(model, values, scale), 1.01)

    def test_every_operator(self):
        for name, data in CASES.items():
            with self.subTest(name):
                shape = [d.dim_value for d in onnx.load_from_string(data).graph.input[0].type.tensor_type.shape.dim]
                model = self.from_bytes(data, shape)
                self.check_form(model)
                values = np.random.default_rng(6).normal(0, 1, shape).astype(np.float32)
                self.assertLessEqual(self.steps_apart(model, values), 1.01)
                # The comparison can fail: other inputs give other outputs.
                moved = np.abs(evaluate(model, values) - self.ours(values * 0.7)).max()
                self.assertGreater(moved, 1.5 * (final_scale(model) or 1 / 256))

    def test_every_operator_with_per_tensor_weights(self):
        for name, data in CASES.items():
            with self.subTest(name):
                shape = [d.dim_value for d in onnx.load_from_string(data).graph.input[0].type.tensor_type.shape.dim]
                model = self.from_bytes(data, shape, "--weights", "per-tensor")
                if "transposed" not in name:
                    self.check_form(model, per_tensor=True)
                values = np.random.default_rng(6).normal(0, 1, shape).astype(np.float32)
                self.assertLessEqual(self.steps_apart(model, values), 1.01)

    def test_narrow_clamp_is_clipped_between_integers(self):
        model = self.from_bytes(CASES["narrow_clamp"], IMAGE)
        made = producers(model)
        (clip,) = [node for node in model.graph.node if node.op_type == "Clip"]
        self.assertEqual(made[clip.input[0]].op_type, "DequantizeLinear")
        self.assertEqual(self.check_form(model), 1)

    def test_what_onnx_cannot_say_is_refused(self):
        data = source([("ConvTranspose", ["x", "w"], "y", {"strides": [2, 2], "output_padding": [3, 3]})], {"w": (4, 3, 3, 3)}, IMAGE)
        np.save(self.path("calib.npy"), np.random.default_rng(5).normal(0, 1, [8, *IMAGE[1:]]).astype(np.float32))
        arguments = [self.write("source.onnx", data), "-o", self.path("model.qfb"), "--calibrate", self.path("calib.npy"), "--quiet"]
        before = sorted(os.listdir(self.folder))
        self.fail_with(tools.ERROR, "qconvert", *arguments, "--emit-qdq", self.path("qdq.onnx"),
                       says=["ConvTranspose_0", "ONNX", "padding"])
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.succeed("qconvert", *arguments)

    def test_wrong_arguments(self):
        path = self.write("source.onnx", CASES["conv"])
        self.fail_with(tools.USAGE, "qconvert", path, "-o", self.path("m.qfb"), "--dtype", "fp32", "--emit-qdq",
                       self.path("q.onnx"), says="int8")
        for target in (path, self.path("m.qfb")):
            self.fail_with(tools.USAGE, "qconvert", path, "-o", self.path("m.qfb"), "--calibrate", path, "--emit-qdq", target,
                           says=target)
        self.fail_with(tools.ERROR, "qconvert", path, "-o", self.path("m.qfb"), "--calibrate", path, "--emit-qdq",
                       self.path("none/q.onnx"), says="there is no folder")
        self.assertEqual(os.listdir(self.folder), ["source.onnx"])


if __name__ == "__main__":
    unittest.main()
