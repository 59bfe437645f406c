"""The pure workflow machine: stimuli in, commands out; no I/O, no clock, no randomness."""
