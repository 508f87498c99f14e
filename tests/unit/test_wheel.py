"""The wheel contains all that an installed syndicator needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Builds the wheel into the folder that is its argument, and prints its name (PEP 517).
BUILD = "import sys, hatchling.build as h; print(h.build_wheel(sys.argv[1]))"


def test_the_wheel_has_every_file(tmp_path: Path) -> None:
    """Modules, templates, migrations, data: all of the package, and nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        files = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        assert b"syndicator = syndicator.__main__:main" in wheel.read(entry_points)
    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "syndicator").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert files == there
    assert {Path(name).suffix for name in files} >= {".py", ".html", ".css", ".js", ".toml"}
