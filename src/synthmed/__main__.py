"""Run the command line as `python -m synthmed`."""

from synthmed.cli.main import app

if __name__ == "__main__":
    app(prog_name="synthmed")
