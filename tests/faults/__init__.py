"""Proofs by fault: the real server is killed, starved and fed with bad input, and an outside observer judges."""
