"""Runs videogan from a checkout without installing it: ``python cli.py sample out.mp4``."""

from videogan.cli import main

if __name__ == "__main__":
    main()
