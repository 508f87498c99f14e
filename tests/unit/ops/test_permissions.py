"""What other users of the host could read."""

from pathlib import Path

import pytest

from syndicator.ops.permissions import check_permissions


@pytest.mark.parametrize(
    ("text", "mode", "settings"),
    [
        ('hook_secret = "0123456789abcdef"', 0o644, ["source.hook_secret"]),
        ('# hook_secret = ""', 0o644, []),
        ('hook_secret = "0123456789abcdef"', 0o640, []),
    ],
)
def test_a_secret_in_a_config_that_everyone_may_read(
    tmp_path: Path, text: str, mode: int, settings: list[str]
) -> None:
    """It is reported by its setting, and not shown."""
    config = tmp_path / "syndicator.toml"
    config.write_text(f"[source]\n{text}\n")
    config.chmod(mode)
    problems = list(check_permissions(None, tmp_path, config))
    assert [problem.path for problem in problems] == settings
    assert "0123456789abcdef" not in str(problems)
