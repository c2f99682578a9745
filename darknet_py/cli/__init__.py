"""The command line: a file for each verb, with `add_arguments(parser)` and `run(args)`."""
