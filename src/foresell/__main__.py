"""`python -m foresell`."""

from foresell.cli.main import run

if __name__ == "__main__":
    run()
