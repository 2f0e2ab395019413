"""python -m wncompare."""

from wncompare.cli import main

if __name__ == "__main__":
    main()
