"""What several tests share: a world to run the pure machine in."""
