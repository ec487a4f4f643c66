"""Execution: one plan of shards, and the ways to run it: in this process, in several, by an array of jobs, on a Ray cluster."""
