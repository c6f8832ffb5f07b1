"""The rival's own environment: RecBole pins packages that Foresell cannot share."""

import subprocess
import sys
import venv
from pathlib import Path

RECBOLE = "recbole==1.2.1"
REQUIREMENTS = Path(__file__).parent / "rival_requirements.txt"
MADE = "made_from.txt"


def rival_python(folder: Path) -> Path:
    """The Python of the environment in `folder`, which is made (1.4 GB, a minute) unless it is there already.

    Torch comes from where pip is set up to look; on a machine without a GPU, name PyTorch's index of
    CPU wheels in PIP_EXTRA_INDEX_URL, or pip takes 3 GB of CUDA as well.
    """
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    wanted = f"{RECBOLE}\n{REQUIREMENTS.read_text(encoding='utf-8')}"
    made = folder / MADE
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--requirement", str(REQUIREMENTS)], check=True)
    subprocess.run([*install, "--no-deps", RECBOLE], check=True)
    made.write_text(wanted, encoding="utf-8")
    return python
