"""Event sources: from what a sender says to events in the log."""
