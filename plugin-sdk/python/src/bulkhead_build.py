"""Makes a component of a plugin in Python: ``bulkhead-componentize-py <module> <output.wasm>`` in the plugin's folder."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def build(module: str, output: str, folder: str = ".") -> int:
    """Runs componentize-py on a module of ``folder`` and answers its exit code."""
    wit = HERE / "bulkhead" / "wit" / "bulkhead.wit"
    program = Path(sys.executable).with_name("componentize-py")
    command = [str(program), "-d", str(wit), "-w", "plugin", "componentize", module, "-p", folder, "-p", str(HERE), "-o", output]
    try:
        ran = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        print("componentize-py is not installed; run: pip install componentize-py==0.25.1", file=sys.stderr)
        return 1
    if ran.stderr:
        print(_for_authors(ran.stderr), file=sys.stderr)
    return ran.returncode


def _for_authors(said: str) -> str:
    """Without the frames of the tool itself, which follow what it says; the plugin's folder is /0 to it."""
    _, found, message = said.partition("AssertionError: ")
    return (message if found else said).split("Stack backtrace:")[0].replace('"/0/', '"').rstrip()


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: bulkhead-componentize-py <module> <output.wasm>")
    sys.exit(build(sys.argv[1], sys.argv[2]))


if __name__ == "__main__":
    main()
