"""`python -m eventflow` is `eventflow`."""

from eventflow.cli.main import main

main()
