"""What Argo's users see of Go: its number, text, duration, time and JSON formats, kept exactly."""
