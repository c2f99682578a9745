from darknet_py.layers.transforms.activations import activation_function


@activation_function
def tanhexp(x):
    """x tanh(exp(x)). Liu and Di, "TanhExp: a smooth activation function", 2020, arXiv:2003.09855."""
    return x * x.clamp(max=20).exp().tanh()
