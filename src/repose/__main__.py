"""`python -m repose` is the command `repose`."""

from repose.cli import process

if __name__ == "__main__":
    process()
