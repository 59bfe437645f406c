"""What is remembered: one aggregate a file, SQLite and PostgreSQL behind one contract."""
