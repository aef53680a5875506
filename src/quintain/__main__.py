"""``python -m quintain``."""

from .cli import main

if __name__ == "__main__":
    main()
