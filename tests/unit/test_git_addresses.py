"""Which repositories, branches and secrets a config may name."""

from pathlib import Path

import pytest

from syndicator import config
from syndicator.errors import ConfigError


def load(tmp_path: Path, source: str, rest: str = "") -> config.Config:
    file = tmp_path / "site" / "syndicator.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"[source]\n{source}\n{rest}\n")
    return config.load(file, {})


def mistakes(tmp_path: Path, source: str, rest: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, source, rest)
    return "\n".join(caught.value.mistakes)


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example/harbour/site.git",
        "https://ann@git.example:8443/site.git",
        "ssh://git@git.example:2222/harbour/site.git",
        "ssh://[::1]/srv/site.git",
        "git@git.example:harbour/site.git",
        "git.example:site.git",
        "file:///srv/git/site.git",
        "/srv/git/site.git",
    ],
)
def test_https_ssh_and_paths_are_accepted(tmp_path: Path, address: str) -> None:
    """As they are written."""
    assert load(tmp_path, f'git = "{address}"').source.git == address


def test_a_relative_path_starts_at_the_config(tmp_path: Path) -> None:
    """As every other path."""
    assert load(tmp_path, 'git = "../site.git"').source.git == str(tmp_path / "site.git")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ext::sh -c touch% /tmp/x", "is not the address of a repository"),
        ("fd::17", "is not the address of a repository"),
        ("--upload-pack=touch /tmp/x", "is not the address of a repository"),
        ("-x", "is not the address of a repository"),
        ("git@-oProxyCommand=x:site.git", ""),
        ("git@host:-x", ""),
        ("ssh://-oProxyCommand=x/site.git", "has no valid host"),
        ("ssh://-x@host/site.git", "is not the address of a repository"),
        ("ssh://host/-x", "is not the address of a repository"),
        ("http://git.example/site.git", "is neither https, ssh nor a path"),
        ("git://git.example/site.git", "is neither https, ssh nor a path"),
        ("ext://x", "is neither https, ssh nor a path"),
        ("https:///site.git", "is not the address of a repository"),
        ("https://git.example", "is not the address of a repository"),
        ("file://host/site.git", "is not the address of a repository"),
        ("https://ann:hunter2@git.example/site.git", "must not have a password"),
        ("https://ghp_hunter2@git.example/site.git", "must not have a password or token"),
        ("https://glpat-hunter2@git.example/x", "must not have a password or token"),
        (f"https://hunter2{'0' * 33}@git.example/x", "must not have a password or token"),
        ("https://git.example:port/ann:hunter2@x", "is not the address of a repository"),
    ],
)
def test_other_addresses_are_refused(tmp_path: Path, address: str, message: str) -> None:
    """Those that run something, or that nothing protects on the way. A password is not repeated."""
    if not message:  # not an option for ssh: a path below the config's folder
        assert load(tmp_path, f'git = "{address}"').source.git == str(tmp_path / "site" / address)
        return
    found = mistakes(tmp_path, f'git = "{address}"')
    assert message in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "source: path or git must be set"),
        ('path = "x"\ngit = "/srv/x.git"', "source: path and git are both set"),
        ('path = "x"\nbranch = "main"', "source: branch is for source.git only"),
        ('path = "x"\ngit_dates = true', "source: git_dates is for source.git only"),
        ('git = "/x"\nbranch = "-x"', 'source.branch: "-x" is not a branch'),
        ('git = "/x"\nbranch = "a..b"', "is not a branch"),
        ('git = "/x"\nbranch = "a b"', "is not a branch"),
        ('git = "/x"\nfolder = "../x"', "is not a folder in the repository"),
        ('git = "/x"\nfolder = "a/.git/b"', "is not a folder in the repository"),
        ('git = "/x"\nhook_secret = "short"', "source.hook_secret: must be 16 to 500 characters"),
        ('git = "/x"\nclone = "../feeds/x"', "must not be in each other"),
    ],
)
def test_settings_of_a_repository(tmp_path: Path, source: str, message: str) -> None:
    """Each mistake names its setting. A secret is not repeated."""
    found = mistakes(tmp_path, source)
    assert message in found
    assert "short" not in found


def test_a_secret_is_not_in_a_repr(tmp_path: Path) -> None:
    """Tracebacks and logs may have the repr of a config."""
    loaded = load(tmp_path, 'git = "/x"\nhook_secret = "0123456789abcdef"')
    assert "0123456789" not in repr(loaded)
    assert loaded.source.hook_secret == "0123456789abcdef"


def test_the_clone_is_beside_the_state(tmp_path: Path) -> None:
    """Unless it is set, which PostgreSQL needs."""
    source = 'git = "/srv/x.git"\nfolder = "/docs/"\nbranch = "feature/x"'
    loaded = load(tmp_path, source)
    assert loaded.clone == tmp_path / "var/syndicator.db-source"
    assert loaded.site_folder == loaded.clone / "tree"
    assert (loaded.source.folder, loaded.source.branch) == ("docs", "feature/x")
    assert loaded.is_watched is False
    state = '[state]\nurl = "postgresql+psycopg://db.example/x"'
    assert mistakes(tmp_path, source, state).startswith("source.clone must be set")
    assert load(tmp_path, f'{source}\nclone = "/srv/clone"', state).clone == Path("/srv/clone")
