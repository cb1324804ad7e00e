"""What is shown of a run when it is over: pure renderers of frozen values."""
