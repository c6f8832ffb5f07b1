"""`python -m foresell.console --store DIR`: the console as a process of its own."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Serve until told to end; 2 where NiceGUI is not installed."""
    parser = argparse.ArgumentParser(prog="foresell.console")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8322)
    parser.add_argument("--behind-https", action="store_true", help="cookies go by HTTPS only")
    given = parser.parse_args()
    try:
        from foresell.console.serving import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nicegui":
            raise
        sys.stderr.write("The console needs NiceGUI. Install it: pip install 'foresell[console]'\n")
        return 2
    serve(given.store, given.host, given.port, is_behind_https=given.behind_https)
    return 0


if __name__ == "__main__":
    sys.exit(main())
