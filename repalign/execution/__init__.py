"""Execution: plans of shards and of their scores, and the ways to run them: in this process, in several, by an array of jobs, on a Ray cluster."""
