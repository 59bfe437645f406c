"""The tests of eventflow. `python -m tests` runs all of them, with lint, types, layers and dependency hygiene."""
