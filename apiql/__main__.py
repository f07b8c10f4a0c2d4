"""`python -m apiql` is `apiql`."""

from apiql.cli import main

if __name__ == "__main__":
    main()
