"""What eventflow tells of itself: logs, metrics, traces."""
