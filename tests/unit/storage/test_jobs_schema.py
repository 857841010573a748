"""The migration that makes procrastinate's tables is that of the version that is installed."""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

MIGRATION = Path(__file__).parents[3] / "storage/migrations/versions/main/0015_procrastinate.sql"


def test_what_our_migration_makes_is_what_the_library_expects() -> None:
    """If this fails, the library was raised: write a migration of what it changed, and let this one stay."""
    theirs = files("procrastinate").joinpath("sql/schema.sql").read_text("utf-8")
    assert MIGRATION.read_text("utf-8") == theirs, version("procrastinate")
