"""One file per command: `add_arguments(parser)` and `run(args) -> paths`. Heavy imports stay inside `run`."""
