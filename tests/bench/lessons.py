"""How long each notebook takes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from paper import promise, row

ROOT = Path(__file__).parents[2]


def notebooks() -> None:
    """Each notebook under nbval against an empty kernel that imports pyzmq and matplotlib."""
    print("Notebooks: seconds under nbval, and how many times a bare kernel with its imports")
    bare = min(_seconds([sys.executable, "-c", _BARE_KERNEL]) for _ in range(2))
    row("a bare kernel, import zmq and matplotlib", f"{bare:.1f} s")
    for notebook in sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("solutions/*.ipynb")]):
        command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
        taken = _seconds([*command, "--nbval-cell-timeout=120", str(notebook)])
        name = str(notebook.relative_to(ROOT))
        kept = promise(f"{name}: {taken:.1f} s", taken <= 12 or not name.startswith("notebooks"))
        row(name, f"{taken:.1f} s", f"{taken / bare:.1f} x", kept)


_BARE_KERNEL = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
client.execute_interactive("import zmq, matplotlib.figure", timeout=60)
client.stop_channels(); manager.shutdown_kernel(now=True)
"""


def _seconds(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start
