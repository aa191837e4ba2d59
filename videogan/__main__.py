"""``python -m videogan``: the command line."""

from videogan.cli import main

if __name__ == "__main__":
    main()
