"""The command line: `commands` defines the commands, `main` runs them and sets exit codes."""
