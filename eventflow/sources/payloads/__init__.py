"""What each webhook-like source makes of an HTTP request: pure functions from a request to an answer and events."""
