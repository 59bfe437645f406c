"""The real command line as subprocesses, as a user has it."""
