"""Where artifacts live: one contract over local disk, object stores and the rest."""
