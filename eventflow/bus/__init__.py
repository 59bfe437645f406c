"""The event log as a bus: events in, deliveries out to those who listen."""
