"""The names of the engines."""

ENGINES = ("auto", "onnxruntime", "torch", "openvino")
