"""The console script as a module: ``python -m tests.cli.door``."""

from cli.main import main

if __name__ == "__main__":
    main()
