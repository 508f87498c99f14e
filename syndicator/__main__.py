"""`python -m syndicator` is `syndicator`."""

from syndicator.cli import main

main()
