"""One file per command: `add_arguments(parser)` and `run(args) -> Outcome`. Heavy imports stay inside `run`."""
