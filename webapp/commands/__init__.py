"""The commands of `primum`, one module a subject. What is heavy is imported inside the command that needs it."""
