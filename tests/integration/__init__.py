"""Parts put together for real: the store, the engine, the process runtime, HTTP."""
