"""ONNX nodes with plain signatures; what `ops` is to torch. They import neither layers nor the graph."""
