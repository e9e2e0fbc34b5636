"""Networks in the forms of others: weights under PyTorch's names, graphs of ONNX operators.

Neither package is needed to import this one; `onnx` is needed to build a graph, PyTorch for nothing.
"""
