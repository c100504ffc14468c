"""What the notebooks of *Who gets the next task?* stand on: ZeroMQ made visible and checked."""
