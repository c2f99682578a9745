"""Networks for other programs: ONNX, from declarations and weights by numpy alone."""
