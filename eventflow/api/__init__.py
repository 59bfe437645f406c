"""What the server says and hears over HTTP."""
